"""The real embedded model: a short report, written in this machine's own process."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
import requests

from chalicelib.domain.document import block_texts
from chalicelib.generation.pipeline import Assignment, Endpoint, Meter, ModelClient, write_report
from chalicelib.generation.repetition import loops
from embedded.model_server import MODEL_NAME
from tests.support.report_writing import Recorder
from tests.support.scrambled import scrambled


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    command = [sys.executable, "-m", "embedded.model_server", "--port", "0", "--nice", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.fullmatch(rf"{MODEL_NAME} at (http://127\.0\.0\.1:\d+/v1)\n", line)
        assert found, line
        yield found[1]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
        assert process.stdout.read() == ""


def test_the_server_is_ready_when_it_says_so_and_names_its_model(base_url: str) -> None:
    assert requests.get(base_url.removesuffix("/v1") + "/health", timeout=5).status_code == 200
    models = requests.get(f"{base_url}/models", timeout=5).json()["data"]
    assert [model["id"] for model in models] == [MODEL_NAME]


def test_a_short_report_is_readable(base_url: str) -> None:
    assignment = Assignment("r", "Backups", "", "A 300 word overview of backups for small offices", "Bee", "2026-01-01")
    with ModelClient(Endpoint(base_url, "", MODEL_NAME)) as model:
        written = write_report(
            assignment,
            {},
            model,
            Recorder(),
            section_words=170,
            concurrency=4,
            notices=(),
            meter=Meter({}),
            texts=scrambled(),
        )
    texts = ["\n".join(block_texts(section.blocks)) for section in written.document.sections]
    assert written.document.model == MODEL_NAME
    assert 150 <= written.word_count <= 900
    assert not any(loops(text) for text in texts)
    assert not any("Answer in two" in text for text in texts)
    assert "backup" in texts[0].lower()


def test_a_busy_port_is_a_clear_message(base_url: str) -> None:
    port = base_url.split(":")[2].removesuffix("/v1")
    command = [sys.executable, "-m", "embedded.model_server", "--port", port]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"cannot listen on 127.0.0.1:{port}")


def test_it_ends_at_once_although_an_answer_is_in_flight() -> None:
    command = [sys.executable, "-m", "embedded.model_server", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().split()[-1]
        body = {"messages": [{"role": "user", "content": "Write a long essay"}], "stream": True, "max_tokens": 1500}
        with requests.post(f"{base_url}/chat/completions", json=body, stream=True, timeout=10) as answer:
            next(answer.iter_lines())
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=2) == 0
