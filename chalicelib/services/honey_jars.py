"""Use cases: honey jars. Every access looks at the jar's own record, as it is at that moment."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from chalicelib.domain.caller import Caller
from chalicelib.domain.clock import now, stamp
from chalicelib.domain.honey_jar import HoneyJar, JarType, Reader, may_change, may_read, shelves_for
from chalicelib.domain.identifiers import UNIQUE_DIGITS, digits_of, sortable_id
from chalicelib.services import audit
from chalicelib.services.idempotency import MAX_GENERATIONS, IdempotencyConflictError, RequestName
from chalicelib.settings import settings
from chalicelib.stores.knowledge_store import JarChangedError, JarExistsError, WorkDue
from chalicelib.stores.permit_queue import QueueUnavailableError
from chalicelib.stores.stores import stores

_log = logging.getLogger(__name__)

MOST_LISTED: Final = 1_000
"""Of each shelf so many jars can be listed, the newest."""

_TRIES: Final = 4
_TOKEN_KEY_BYTES: Final = 32


class HoneyJarNotFoundError(Exception):
    """There is no such jar, or it is not theirs to read (nobody learns which)."""


class NotTheirsToChangeError(Exception):
    """They may read the jar, and its owner alone may change it."""


class NotInTeamError(Exception):
    """They are not in the team that the jar is to be for."""


@dataclass(frozen=True)
class JarFields:
    """What a jar's owner says of it."""

    name: str
    description: str = ""
    type: JarType = "private"
    tags: tuple[str, ...] = ()
    team_id: str = ""
    allowed_users: tuple[str, ...] = ()


@dataclass(frozen=True)
class CreatedJar:
    """A jar; ``replayed`` says that an earlier request of the same name had made it."""

    jar: HoneyJar
    replayed: bool = False


def reader_of(caller: Caller) -> Reader:
    """Return as whom a caller reads jars."""
    return Reader(caller.owner, caller.teams)


def readable_jar(reader: Reader, jar_id: str) -> HoneyJar:
    """Return a jar that somebody may read: one AWS call.

    Raises:
        HoneyJarNotFoundError: there is none that they may read.
    """
    jar = stores().knowledge.jar(jar_id)
    if jar is None or not may_read(jar, reader):
        raise HoneyJarNotFoundError
    return jar


def changeable_jar(reader: Reader, jar_id: str) -> HoneyJar:
    """Return a jar that somebody may change: one AWS call.

    Raises:
        HoneyJarNotFoundError: there is none that they may read.
        NotTheirsToChangeError: they may only read it.
    """
    jar = readable_jar(reader, jar_id)
    if not may_change(jar, reader):
        raise NotTheirsToChangeError
    return jar


def create_jar(caller: Caller, fields: JarFields, name: RequestName | None = None) -> CreatedJar:
    """Make a jar: one AWS call.

    Args:
        caller: whose it is.
        fields: what they say of it.
        name: the caller's name for this request.

    Raises:
        NotInTeamError: it is for a team that they are not in.
        TooManyJarsError: they have as many as there may be.
        IdempotencyConflictError: the name was used for another request.
    """
    _check_team(caller, fields)
    at = stamp(now())
    for generation in range(MAX_GENERATIONS if name else 1):
        jar = HoneyJar(
            id=sortable_id("hj_") if name is None else f"hj_{digits_of(name.uuid(generation).int, UNIQUE_DIGITS)}",
            owner=caller.owner,
            name=fields.name,
            created_at=at,
            updated_at=at,
            type=fields.type,
            description=fields.description,
            tags=fields.tags,
            team_id=fields.team_id,
            allowed_users=fields.allowed_users,
            token_key=secrets.token_hex(_TOKEN_KEY_BYTES),
            request_digest=name.digest if name else "",
        )
        try:
            stores().knowledge.create(jar, [audit.entry("jar.create", caller.owner, jar.id, type=jar.type)])
        except JarExistsError as exists:
            if name is not None and _is_replayed(exists.current, name):
                return CreatedJar(exists.current, replayed=True)
        else:
            return CreatedJar(jar)
    raise IdempotencyConflictError


def _is_replayed(earlier: HoneyJar, name: RequestName) -> bool:
    found = name.compare(earlier.request_digest, earlier.created_at, now())
    if found == "other" or (found == "same" and earlier.is_deleting):
        raise IdempotencyConflictError
    return found == "same"


def _check_team(caller: Caller, fields: JarFields) -> None:
    if fields.type == "team" and fields.team_id not in caller.teams:
        raise NotInTeamError


def list_jars(reader: Reader, limit: int, offset: int) -> tuple[list[HoneyJar], int]:
    """Return jars that somebody may read, the newest first, and how many there are.

    An AWS call for each shelf (own, shared with them, public, each team), and one for what is shown.
    """
    places = {place for shelf in shelves_for(reader) for place in stores().knowledge.on_shelf(shelf, MOST_LISTED)}
    ordered = sorted(places, reverse=True)
    shown = [place.partition("#")[2] for place in ordered[offset : offset + limit]]
    # A shelf may be read a moment before its jar changes hands.
    return [jar for jar in stores().knowledge.jars(shown) if may_read(jar, reader)], len(ordered)


def readable_ids(reader: Reader, at_most: int) -> list[str]:
    """Return the ids of jars that somebody finds on their shelves, those of each shelf the newest first.

    Their own come first and everybody's last: what strangers publish takes no place from what is theirs. A call for
    each shelf.
    """
    places = [place for shelf in shelves_for(reader) for place in stores().knowledge.on_shelf(shelf, at_most)]
    return [place.partition("#")[2] for place in dict.fromkeys(places)][:at_most]


def change_jar(caller: Caller, jar_id: str, changes: Mapping[str, Any]) -> HoneyJar:
    """Change what a jar's owner says of it: two AWS calls.

    Args:
        caller: who changes it.
        jar_id: which.
        changes: some of the fields of :class:`JarFields`.

    Raises:
        HoneyJarNotFoundError: there is none that they may read.
        NotTheirsToChangeError: they may only read it.
        NotInTeamError: it would be for a team that they are not in.
    """
    for _ in range(_TRIES):
        seen = changeable_jar(reader_of(caller), jar_id)
        changed = _sensible(replace(seen, **changes, updated_at=stamp(now())))
        if (changed.type, changed.team_id) != (seen.type, seen.team_id):
            _check_team(caller, JarFields(changed.name, type=changed.type, team_id=changed.team_id))
        try:
            stores().knowledge.change(seen, changed, [audit.entry("jar.change", seen.owner, jar_id, type=changed.type)])
        except JarChangedError:
            continue
        return changed
    raise HoneyJarNotFoundError


def _sensible(jar: HoneyJar) -> HoneyJar:
    """Return a jar without lists of readers that its type has no use for."""
    team = jar.team_id if jar.type == "team" else ""
    return replace(jar, team_id=team, allowed_users=jar.allowed_users if jar.type == "restricted" else ())


def delete_jar(caller: Caller, jar_id: str) -> None:
    """Delete a jar with all that is in it: three AWS calls. Nobody finds it from then on; a worker deletes the texts.

    Raises:
        HoneyJarNotFoundError: there is none that they may read.
        NotTheirsToChangeError: they may only read it.
    """
    for _ in range(_TRIES):
        seen = changeable_jar(reader_of(caller), jar_id)
        due_at = now() + timedelta(seconds=settings().resend_seconds)
        try:
            stores().knowledge.start_deleting(seen, due_at, [audit.entry("jar.delete", seen.owner, jar_id)])
        except JarChangedError:
            continue
        send_work(WorkDue(jar_id))
        return
    raise HoneyJarNotFoundError


def send_work(work: WorkDue, delay_seconds: int = 0) -> None:
    """Have something done: one AWS call. If SQS does not take it, the sweep sends it."""
    try:
        stores().knowledge_queue.send(work, delay_seconds)
    except QueueUnavailableError:
        _log.exception("work on %s is left to the sweep", work.document_id or work.jar_id)
