"""The HTTP side: ``/v1/models``, ``/v1/chat/completions`` and the control routes."""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from tests.model_server.refusals import refusal
from tests.model_server.reply import Reply, reply
from tests.model_server.script import Fault, Received, Script

STOPS = {"drop", "stall", "stream_error"}


class ModelServer:
    """The server in this process, on loopback; a context manager.

    ``base_url`` ends in ``/v1`` as the OpenAI SDK wants it; ``control_url`` is where
    ``POST /control`` lives for other processes.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        tokens_per_second: float = 0,
        words: int | None = None,
        seed: int = 1,
        model: str = "scripted-model",
        **settings: Any,
    ) -> None:
        """Prepare a server.

        Args:
            port: TCP port; 0 for any free one.
            tokens_per_second: speed of each answer; 0 for as fast as it goes.
            words: length of answers; None for what the prompt asks for.
            seed: of the text.
            model: name of the model.
            settings: more of ``script.SETTINGS``: ``api_key``, ``check_model``, ``json_format``.
        """
        self.script = Script(tokens_per_second=tokens_per_second, words=words, seed=seed, model=model, **settings)
        self._http = _Server(("127.0.0.1", port), self.script)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def control_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/control"

    def fault(self, kind: str, **options: Any) -> None:
        """Add one fault; see ``script.FAULT_KINDS``."""
        self.script.control({"faults": [{"kind": kind, **options}]})

    def requests(self) -> list[Received]:
        """Return the chat completion requests received so far."""
        return self.script.record()

    def __enter__(self) -> ModelServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], script: Script) -> None:
        self.script = script
        self.stopping = threading.Event()
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that hang up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, *args: Any) -> None:
        """Keep test output readable."""

    def do_GET(self) -> None:
        script = self.server.script
        if self.path in ("/v1/models", "/models"):
            self._json(200, {"object": "list", "data": [{"id": script.model, "object": "model"}]})
        elif self.path in ("/health", "/v1/health"):
            self._json(200, {"status": "ok"})
        elif self.path == "/control":
            self._json(200, script.state())
        elif self.path == "/control/requests":
            self._json(200, {"requests": [asdict(r) for r in script.record()]})
        else:
            self._json(404, {"error": {"message": f"no such path: {self.path}"}})

    def do_POST(self) -> None:
        try:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        except ValueError:
            self._json(400, {"error": {"message": "invalid JSON"}})
            return
        if self.path == "/control":
            self._control(body)
        elif self.path in ("/v1/chat/completions", "/chat/completions"):
            self._completion(body)
        else:
            self._json(404, {"error": {"message": f"no such path: {self.path}"}})

    def _control(self, order: dict[str, Any]) -> None:
        try:
            self._json(200, self.server.script.control(order))
        except (ValueError, TypeError) as error:
            self._json(400, {"error": {"message": str(error)}})

    def _completion(self, body: dict[str, Any]) -> None:
        script = self.server.script
        received, fault = script.begin(body, self.headers.get("Authorization", ""))
        outcome = "aborted"
        try:
            outcome = self._respond(body, received, fault)
        except OSError:
            self.close_connection = True
        finally:
            script.end(received, outcome)

    def _respond(self, body: dict[str, Any], received: Received, fault: Fault | None) -> str:
        script = self.server.script
        kind = fault.kind if fault else ""
        refused = refusal(script, body, received.authorization, fault)
        if refused:
            self._json(refused.status, refused.body, refused.headers)
            return "answered"
        if fault and kind == "hang":
            return self._hang(fault.seconds)
        if kind == "invalid_json":
            kind_sent = "text/event-stream" if body.get("stream") else "application/json"
            self._bytes(200, b"data: <html>not json</html>\n\n", kind_sent)
            return "answered"
        pace = fault.tokens_per_second if fault and kind == "slow" else script.tokens_per_second
        answer = reply(body, fault, script.words, script.seed)
        if body.get("stream") and kind != "unstreamed":
            usage = bool((body.get("stream_options") or {}).get("include_usage")) and kind != "no_usage"
            return self._stream(answer, pace, usage, fault if kind in STOPS else None)
        return self._whole(answer, pace, drop=kind == "drop")

    def _hang(self, seconds: float) -> str:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.server.stopping.is_set():
            if self._client_left(0.02):
                break
        self.close_connection = True
        return "aborted" if self._client_left(0) else "dropped"

    def _whole(self, answer: Reply, pace: float, drop: bool) -> str:
        self._pause(len(answer.tokens) / pace if pace else 0)
        if drop:
            return self._cut()
        message = {"role": "assistant", "content": "".join(answer.tokens)}
        choice = {"index": 0, "message": message, "finish_reason": answer.finish_reason}
        self._json(200, self._envelope("chat.completion", [choice]) | {"usage": _usage(answer)})
        return "answered"

    def _stream(self, answer: Reply, pace: float, usage: bool, stop: Fault | None) -> str:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._event({"role": "assistant", "content": ""})
        begun = time.monotonic()
        for number, token in enumerate(answer.tokens):
            if stop and number >= stop.after_words:
                return self._stopped(stop)
            if pace:
                self._pause(begun + (number + 1) / pace - time.monotonic())
            self._event({"content": token})
        self._event({}, finish=answer.finish_reason)
        if usage:
            self._chunk(self._envelope("chat.completion.chunk", []) | {"usage": _usage(answer)})
        self._raw(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")
        return "answered"

    def _stopped(self, stop: Fault) -> str:
        if stop.kind == "stall":
            return self._hang(stop.seconds)
        if stop.kind == "stream_error":
            self._chunk({"error": {"message": stop.message or "scripted error in the stream", "code": stop.status}})
            self.wfile.write(b"0\r\n\r\n")
            return "answered"
        return self._cut()

    def _pause(self, seconds: float) -> None:
        """Wait for the pace, but notice at once that the client has left."""
        if seconds > 0 and self._client_left(seconds):
            raise ConnectionAbortedError

    def _client_left(self, timeout: float) -> bool:
        readable, _, _ = select.select([self.connection], [], [], timeout)
        if not readable:
            return False
        try:
            return bool(self.connection.recv(1, socket.MSG_PEEK) == b"")
        except OSError:
            return True

    def _cut(self) -> str:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)
        return "dropped"

    def _event(self, delta: dict[str, Any], finish: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        self._chunk(self._envelope("chat.completion.chunk", [choice]))

    def _chunk(self, value: dict[str, Any]) -> None:
        self._raw(b"data: " + json.dumps(value).encode() + b"\n\n")

    def _raw(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _envelope(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": "chatcmpl-scripted",
            "object": kind,
            "created": int(time.time()),
            "model": self.server.script.model,
            "choices": choices,
        }

    def _json(self, status: int, value: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._bytes(status, json.dumps(value).encode(), "application/json", headers)

    def _bytes(self, status: int, data: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def _usage(answer: Reply) -> dict[str, int]:
    completion = len(answer.tokens)
    return {
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": completion,
        "total_tokens": answer.prompt_tokens + completion,
    }
