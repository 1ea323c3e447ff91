"""The dead-letter edge: a permit that could not be served several times.

A permit is no report: the report it was issued for is still in the table, and is
moved on as the sweep would do it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from chalicelib.services.sweep import recover
from chalicelib.stores.permit_queue import MalformedPermitError, to_permit

_log = logging.getLogger(__name__)


def handle_dead_letters(event: Mapping[str, Any]) -> None:
    """Recover the report behind each dead permit of an SQS event."""
    for record in event.get("Records", []):
        try:
            permit = to_permit(record["body"], "normal")
        except MalformedPermitError:
            _log.exception("a dead letter that is no permit was dropped")
            continue
        _log.error("the permit of report %s became a dead letter: %s", permit.report_id, recover(permit.report_id))
