"""Run the scripted model server from a shell until it is interrupted."""

import argparse
import signal

from tests.model_server.server import ModelServer


def main() -> None:
    parser = argparse.ArgumentParser(description="Scripted OpenAI-compatible model server on loopback.")
    parser.add_argument("--port", type=int, default=8094, help="TCP port; 0 for any free one")
    parser.add_argument("--tokens-per-second", type=float, default=0, help="0 for as fast as it goes")
    parser.add_argument("--words", type=int, default=None, help="words per answer; default: what is asked")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    stop = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop)
    with ModelServer(
        port=arguments.port,
        tokens_per_second=arguments.tokens_per_second,
        words=arguments.words,
        seed=arguments.seed,
    ) as server:
        print(server.base_url, flush=True)  # noqa: T201
        signal.sigwait(stop)


if __name__ == "__main__":
    main()
