"""Makes an empty emulator ready for use, and prints what was made as JSON.

``python -m embedded.prepare --prefix reports --owner local`` makes the tables, queues and bucket and an API
key of each kind with every scope. It is a process of its own, so that the supervisor never holds AWS clients or
settings.
"""

from __future__ import annotations

import argparse
import json
import os

import boto3

from embedded.resources import create_resources


def main() -> None:
    """Print ``{"environment": {...}, "api_key": "...", "investigations_key": "..."}``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prefix", required=True, help="put before every resource's name")
    parser.add_argument("--owner", required=True, help="whose API key is made")
    parser.add_argument("--visibility-seconds", type=int, help="instead of the declared time")
    arguments = parser.parse_args()
    environment = create_resources(boto3, arguments.prefix, arguments.visibility_seconds)
    os.environ.update(environment)
    # The service reads its settings on first use: only now are they complete.
    from chalicelib.domain.caller import INVESTIGATION_SCOPES, SCOPES
    from chalicelib.services.keys import create_key

    key = create_key(owner=arguments.owner, name="local stack", scopes=SCOPES)
    v1_key = create_key(arguments.owner, "local stack", INVESTIGATION_SCOPES, kind="pck_live_")
    print(json.dumps({"environment": environment, "api_key": key.secret, "investigations_key": v1_key.secret}))


if __name__ == "__main__":
    main()
