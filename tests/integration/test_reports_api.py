"""The Reports API over moto: shapes, status codes and texts as the contract and its notes settle them."""

from __future__ import annotations

import re

import pytest

from tests.model_server import ModelServer
from tests.support.service import TEMPLATE_ID, Service, new_report

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class TestTemplates:
    def test_lists_the_conversational_template_as_documented(self, service: Service) -> None:
        data = service.get("/api/reports/templates").json()["data"]
        assert data["count"] == 1
        assert data["user_role"] == "user"
        assert data["templates"] == [
            {
                "id": TEMPLATE_ID,
                "name": "Bee Conversational Report",
                "description": "AI-generated long-form analysis with web search context",
                "category": "analysis",
                "required_role": "user",
                "is_active": True,
                "output_formats": ["pdf", "md", "html"],
                "requires_scrambling": True,
                "max_output_tokens": 16384,
                "estimated_time_minutes": 15,
            }
        ]

    @pytest.mark.parametrize(("category", "count"), [("analysis", 1), ("security", 0), ("", 1)])
    def test_filters_by_category(self, service: Service, category: str, count: int) -> None:
        data = service.get(f"/api/reports/templates?category={category}").json()["data"]
        assert (data["count"], len(data["templates"])) == (count, count)

    def test_an_admin_key_has_the_role_admin(self, service: Service) -> None:
        admin = service.new_key("root", ("admin",))
        assert service.get("/api/reports/templates", key=admin).json()["data"]["user_role"] == "admin"


class TestCreate:
    def test_answers_201_in_the_documented_shape(self, service: Service) -> None:
        answer = service.post("/api/reports/", new_report("SCADA"))
        assert answer.status == 201
        body = answer.json()
        assert body["success"] is True
        report = body["data"]["report"]
        assert report["title"] == "SCADA"
        assert report["status"] == "queued"
        assert report["priority"] == "normal"
        assert report["output_format"] == "pdf"
        assert TIME.fullmatch(report["created_at"])
        assert body["data"]["queue_position"] == 1
        assert TIME.fullmatch(body["data"]["estimated_completion"])

    def test_works_without_the_trailing_slash(self, service: Service) -> None:
        assert service.post("/api/reports", new_report()).status == 201

    def test_the_title_is_stored_as_it_was_given(self, service: Service) -> None:
        title = "Ünïcode <script>alert('x')</script> {{7*7}} 日本語"
        assert service.report(service.create(title))["title"] == title

    def test_scrambling_is_answered_honestly(self, service: Service) -> None:
        data = service.post("/api/reports/", new_report(scrambling_enabled=False)).json()["data"]
        assert data["report"]["scrambling_enabled"] is True
        assert any("requires scrambling" in w for w in data["warnings"])
        assert len(data["warnings"]) == 1
        assert service.post("/api/reports/", new_report()).json()["data"]["warnings"] == []

    def test_position_counts_those_of_the_same_priority(self, service: Service) -> None:
        for number in (1, 2, 3):
            assert service.post("/api/reports/", new_report()).json()["data"]["queue_position"] == number
        urgent = service.post("/api/reports/", new_report(priority="urgent")).json()["data"]
        assert urgent["queue_position"] == 1

    def test_null_optionals_mean_absent(self, service: Service) -> None:
        body = new_report(description=None, priority=None, output_format=None, honey_jar_id=None)
        assert service.post("/api/reports/", body).status == 201


class TestDetail:
    def test_serves_report_and_data_alike(self, service: Service) -> None:
        body = service.get(f"/api/reports/{service.create('T', description='D')}").json()
        assert body["report"] == body["data"]["report"]
        report = body["report"]
        assert (report["title"], report["description"], report["status"]) == ("T", "D", "queued")
        assert report["queue_position"] == 1
        assert report["progress_percentage"] == 0
        assert report["parameters"] == new_report()["parameters"]
        assert report["completed_at"] is None
        assert report["download_url"] is None

    def test_a_finished_report_has_everything_a_client_polls_for(self, service: Service) -> None:
        report = service.finish(service.create(output_format="md"))
        assert report["progress_percentage"] == 100
        assert report["download_url"] == f"/api/reports/{report['id']}/download"
        assert report["file_size_bytes"] > 0
        assert report["result_file_id"].startswith("file-")
        assert TIME.fullmatch(report["completed_at"])
        assert TIME.fullmatch(report["started_at"])
        assert report["template_name"] == "Bee Conversational Report"
        assert report["model"] == "scripted-model"
        assert report["word_count"] > 100
        assert report["usage"]["calls"] >= 1

    @pytest.mark.parametrize("report_id", ["nope", "991a8dca-b90c-406d-9a64-dcc9b1bec33c", "%2e%2e", "x" * 500])
    def test_unknown_ids_are_404(self, service: Service, report_id: str) -> None:
        answer = service.get(f"/api/reports/{report_id}")
        assert (answer.status, answer.json()) == (404, {"success": False, "error": "Report not found"})


class TestList:
    def test_newest_first_in_the_documented_shape(self, service: Service) -> None:
        for title in ("one", "two", "three"):
            service.create(title)
        data = service.get("/api/reports/").json()["data"]
        assert [r["title"] for r in data["reports"]] == ["three", "two", "one"]
        assert data["pagination"] == {"total": 3, "limit": 50, "offset": 0}
        assert {
            "id",
            "title",
            "status",
            "created_at",
            "completed_at",
            "output_format",
            "file_size_bytes",
            "template_name",
        } <= set(data["reports"][0])

    def test_pages_with_the_true_total(self, service: Service) -> None:
        for number in range(7):
            service.create(str(number))
        data = service.get("/api/reports/?limit=3&offset=2").json()["data"]
        assert [r["title"] for r in data["reports"]] == ["4", "3", "2"]
        assert data["pagination"] == {"total": 7, "limit": 3, "offset": 2}
        beyond = service.get("/api/reports/?limit=3&offset=50").json()["data"]
        assert (beyond["reports"], beyond["pagination"]["total"]) == ([], 7)

    def test_filters_by_status(self, service: Service) -> None:
        first, _ = service.create("one"), service.create("two")
        service.post(f"/api/reports/{first}/cancel")
        cancelled = service.get("/api/reports/?status=cancelled").json()["data"]
        assert [r["id"] for r in cancelled["reports"]] == [first]
        assert cancelled["pagination"]["total"] == 1
        assert service.get("/api/reports/?status=queued").json()["data"]["pagination"]["total"] == 1
        assert service.get("/api/reports/?status=pending").json()["data"]["reports"] == []

    def test_searches_title_and_description_whatever_the_case(self, service: Service) -> None:
        service.create("Zero TRUST for banks")
        service.create("Other", description="about zero trust, too")
        last = service.create("Nothing of the kind")
        found = service.get("/api/reports/?search=Zero+Trust").json()["data"]
        assert [r["title"] for r in found["reports"]] == ["Other", "Zero TRUST for banks"]
        assert found["pagination"]["total"] == 2
        service.post(f"/api/reports/{last}/cancel")
        assert service.get("/api/reports/?search=trust&status=cancelled").json()["data"]["reports"] == []
        assert service.get("/api/reports/?search=kind&status=cancelled").json()["data"]["pagination"]["total"] == 1

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("limit=abc", "limit"),
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=-1", "limit"),
            ("offset=-1", "offset"),
            ("offset=x", "offset"),
            ("offset=99999999999", "offset"),
            ("status=done", "status"),
            (f"search={'x' * 201}", "search"),
            ("limit=%D9%A1", "limit"),
        ],
    )
    def test_bad_queries_name_the_field(self, service: Service, query: str, field: str) -> None:
        answer = service.get(f"/api/reports/?{query}")
        assert answer.status == 400
        assert [d["field"] for d in answer.json()["details"]] == [field]


class TestCancelAndRetry:
    def test_cancel_is_final(self, service: Service) -> None:
        report_id = service.create()
        answer = service.post(f"/api/reports/{report_id}/cancel")
        assert answer.json() == {"success": True, "message": "Report cancelled successfully"}
        service.work()
        assert service.report(report_id)["status"] == "cancelled"
        again = service.post(f"/api/reports/{report_id}/cancel")
        assert (again.status, again.json()["error"]) == (400, "Report cannot be cancelled")

    def test_a_finished_report_cannot_be_cancelled_or_retried(self, service: Service) -> None:
        report_id = service.create(output_format="md")
        service.finish(report_id)
        assert service.post(f"/api/reports/{report_id}/cancel").json()["error"] == "Report cannot be cancelled"
        assert service.post(f"/api/reports/{report_id}/retry").json()["error"] == "Report cannot be retried"
        assert service.report(report_id)["status"] == "completed"

    def test_retry_answers_flat_and_with_data(self, service: Service, model_server: ModelServer) -> None:
        report_id = fail_one(service, model_server)
        service.create("another that waits")
        answer = service.post(f"/api/reports/{report_id}/retry")
        body = answer.json()
        assert answer.status == 200
        assert (body["report_id"], body["status"]) == (report_id, "queued")
        assert body["message"] == "Report requeued for processing"
        assert body["data"]["queue_position"] == 2
        assert TIME.fullmatch(body["data"]["estimated_completion"])
        report = service.report(report_id)
        assert (report["retry_count"], report["progress_percentage"], report["error_message"]) == (1, 0, None)

    def test_a_retried_report_completes(self, service: Service, model_server: ModelServer) -> None:
        report_id = fail_one(service, model_server)
        service.post(f"/api/reports/{report_id}/retry")
        assert service.finish(report_id)["error_message"] is None

    def test_no_body_or_any_media_type_is_fine(self, service: Service) -> None:
        report_id = service.create()
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert service.post(f"/api/reports/{report_id}/cancel", b"", headers=form).status == 200


def fail_one(service: Service, model_server: ModelServer) -> str:
    """Return the id of a report that failed because its model gave nothing usable."""
    model_server.fault("empty", times=None)
    report_id = service.create(output_format="md")
    service.work()
    report = service.report(report_id)
    assert report["status"] == "failed"
    assert report["error_message"]
    model_server.script.control({"reset": True})
    return report_id


class TestQueueStatus:
    @pytest.mark.parametrize("path", ["/api/reports/queue/status", "/api/reports/public/queue/status"])
    def test_is_public_and_in_the_documented_shape(self, service: Service, path: str) -> None:
        data = service.get(path, key=None).json()["data"]
        assert data["queue_name"] == "default"
        for name in ("pending_reports", "processing_reports", "completed_today", "failed_today"):
            assert data[name] == 0
        for name in ("average_processing_time", "estimated_wait_time"):
            assert re.fullmatch(r"\d+\.\d minutes", data[name])

    def test_counts_are_true(self, service: Service, model_server: ModelServer) -> None:
        fail_one(service, model_server)
        service.finish(service.create(output_format="md"))
        service.create(priority="low")
        cancelled = service.create()
        service.post(f"/api/reports/{cancelled}/cancel")
        data = service.get("/api/reports/queue/status").json()["data"]
        assert (data["pending_reports"], data["processing_reports"]) == (1, 0)
        assert (data["completed_today"], data["failed_today"]) == (1, 1)
        assert data["average_processing_time_basis"] == "today"
        assert data["priorities"]["low"]["pending_reports"] == 1


class TestErrors:
    def test_no_or_unknown_keys_are_401(self, service: Service) -> None:
        for how in (
            {"key": None},
            {"key": "sk_" + "x" * 43},
            {"key": "nonsense"},
            {"key": None, "headers": {"Authorization": "Basic abc"}},
            {"key": None, "headers": {"Cookie": "ory_kratos_session=abc"}},
        ):
            answer = service.get("/api/reports/", **how)
            assert answer.status == 401
            assert answer.json() == {"success": False, "error": "Authentication required"}

    def test_a_bearer_key_is_as_good(self, service: Service) -> None:
        bearer = {"Authorization": f"Bearer {service.key}"}
        assert service.get("/api/reports/", key=None, headers=bearer).status == 200

    def test_a_key_without_read_or_admin_is_403(self, service: Service) -> None:
        answer = service.get("/api/reports/", key=service.new_key("alice", ("write",)))
        assert (answer.status, answer.json()["error"]) == (403, "Insufficient permissions")

    def test_another_owners_report_is_404_on_every_route(self, service: Service) -> None:
        report_id = service.create()
        stranger = service.new_key("mallory")
        for method, path in (
            ("GET", ""),
            ("GET", "/download"),
            ("GET", "/download?delivery=link"),
            ("POST", "/cancel"),
            ("POST", "/retry"),
        ):
            answer = service.request(method, f"/api/reports/{report_id}{path}", key=stranger)
            assert (answer.status, answer.json()["error"]) == (404, "Report not found"), path
        assert service.get("/api/reports/", key=stranger).json()["data"]["pagination"]["total"] == 0
        assert service.report(report_id)["status"] == "queued"

    def test_early_download_is_400(self, service: Service) -> None:
        answer = service.get(f"/api/reports/{service.create()}/download")
        assert (answer.status, answer.json()["error"]) == (400, "Report not ready for download")

    @pytest.mark.parametrize(
        ("method", "path", "status", "error"),
        [
            ("DELETE", "/api/reports", 405, "Method not allowed"),
            ("PUT", "/api/reports/templates", 405, "Method not allowed"),
        ],
    )
    def test_framework_errors_come_in_the_envelope(
        self, service: Service, method: str, path: str, status: int, error: str
    ) -> None:
        answer = service.request(method, path)
        assert (answer.status, answer.json()) == (status, {"success": False, "error": error})
        assert "GET" in answer.headers["allow"]

    def test_a_form_is_answered_like_bad_json(self, service: Service) -> None:
        answer = service.post("/api/reports", b"a=b", headers={"Content-Type": "application/x-www-form-urlencoded"})
        assert (answer.status, answer.json()["error"]) == (400, "JSON data required")

    def test_unknown_paths_answer_in_the_envelope_of_their_api(self, service: Service) -> None:
        import json

        unknown = service.app.app.unknown_route
        assert json.loads(unknown("/api/nothing")["body"]) == {"success": False, "error": "Not found"}
        assert json.loads(unknown("/v1/nothing")["body"]) == {"error": "not_found", "message": "Not found"}
        assert unknown("/v1/nothing")["statusCode"] == 404
