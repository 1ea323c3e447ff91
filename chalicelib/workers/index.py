"""The worker of honey jars: reads documents, indexes them, and deletes what is to be deleted."""

from __future__ import annotations

import logging

from chalicelib.services.index_documents import do_work
from chalicelib.stores.knowledge_queue import MalformedWorkError, to_work

_log = logging.getLogger(__name__)


def handle_message(body: str) -> None:
    """Do what one message says. What is raised brings the message back."""
    try:
        work = to_work(body)
    except MalformedWorkError:
        _log.exception("a message is no work on a honey jar")
        return
    done = do_work(work)
    _log.info("work on %s: %s", work.document_id or work.jar_id, done)
