"""The model's key comes from the environment, or from a SecureString read once per process."""

from __future__ import annotations

import boto3
import pytest

from chalicelib.settings import settings
from chalicelib.stores.secret_store import secret_parameter
from tests.model_server import ModelServer
from tests.support.service import Service


def test_the_key_in_the_parameter_store_is_what_the_model_gets(
    service: Service, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    boto3.client("ssm").put_parameter(Name="/reports/key", Value="from-the-store", Type="SecureString")
    monkeypatch.setenv("LLM_API_KEY_PARAMETER", "/reports/key")
    settings.cache_clear()
    service.finish(service.create(output_format="md"))
    assert {r.authorization for r in model_server.requests()} == {"Bearer from-the-store"}
    boto3.client("ssm").delete_parameter(Name="/reports/key")
    assert secret_parameter("/reports/key") == "from-the-store", "it is read once"


def test_the_fallback_has_a_key_of_its_own_there(
    service: Service, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    boto3.client("ssm").put_parameter(Name="/reports/second-key", Value="second-key", Type="SecureString")
    model_server.fault("error", status=402, times=None)
    with ModelServer(api_key="second-key") as fallback:
        monkeypatch.setenv("LLM_FALLBACK_BASE_URL", fallback.base_url)
        monkeypatch.setenv("LLM_FALLBACK_MODEL", "second-model")
        monkeypatch.setenv("LLM_FALLBACK_API_KEY_PARAMETER", "/reports/second-key")
        settings.cache_clear()
        service.finish(service.create(output_format="md"))
    assert {r.body["model"] for r in fallback.requests()} == {"second-model"}
    assert {r.authorization for r in model_server.requests()} == {"Bearer test"}


def test_the_key_is_in_no_text_of_the_settings(service: Service) -> None:
    assert settings().llm_api_key == "test"
    assert "llm_api_key='test'" not in repr(settings())
