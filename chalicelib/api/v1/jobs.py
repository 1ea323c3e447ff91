"""The route of jobs, which write reports."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from chalicelib.api.envelope import json_response
from chalicelib.api.routing import ANY_TYPE, request_of
from chalicelib.api.v1 import requests
from chalicelib.api.v1.access import account_with
from chalicelib.api.v1.views import job_view
from chalicelib.services import narrative_jobs
from chalicelib.services.not_found import NotFoundError

jobs = Blueprint(__name__)
_request = request_of(jobs)


@jobs.route("/v1/jobs/{job_id}", methods=["GET"], content_types=ANY_TYPE)
def get_job(job_id: str) -> Response:
    """Show where a job stands."""
    account = account_with(_request(), "reports:read")
    try:
        return json_response(job_view(narrative_jobs.job(account, requests.job_id(job_id))))
    except NotFoundError:
        raise requests.not_found("job") from None
