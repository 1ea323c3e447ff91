"""The scripted model server as other processes use it: a program with a control API."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.model_server", "--port", "0", "--words", "80"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()
        assert process.wait(timeout=5) == 0


def control(base_url: str, order: dict[str, Any]) -> requests.Response:
    return requests.post(base_url.removesuffix("/v1") + "/control", json=order, timeout=5)


def ask(base_url: str, **extra: Any) -> requests.Response:
    body = {"model": "any", "messages": [{"role": "user", "content": "Tell me of bees"}], **extra}
    return requests.post(f"{base_url}/chat/completions", json=body, timeout=5)


def test_the_same_seed_gives_the_same_text_and_another_one_does_not(base_url: str) -> None:
    texts = []
    for seed in (1, 1, 2):
        control(base_url, {"seed": seed})
        texts.append(ask(base_url).json()["choices"][0]["message"]["content"])
    assert texts[0] == texts[1] != texts[2]
    assert len(texts[0].split()) >= 80


def test_faults_are_ordered_and_requests_recorded_from_outside(base_url: str) -> None:
    control(base_url, {"reset": True, "faults": [{"kind": "error", "status": 429, "retry_after": 2}]})
    first, second = ask(base_url), ask(base_url)
    assert (first.status_code, first.headers["Retry-After"], second.status_code) == (429, "2", 200)
    recorded = requests.get(base_url.removesuffix("/v1") + "/control/requests", timeout=5).json()["requests"]
    assert [(r["fault"], r["outcome"]) for r in recorded] == [("error", "answered"), (None, "answered")]


def test_an_unknown_fault_is_refused(base_url: str) -> None:
    answer = control(base_url, {"faults": [{"kind": "sulk"}]})
    assert answer.status_code == 400
    assert "sulk" in answer.json()["error"]["message"]


def test_the_models_are_listed(base_url: str) -> None:
    assert requests.get(f"{base_url}/models", timeout=5).json()["data"][0]["id"] == "scripted-model"
