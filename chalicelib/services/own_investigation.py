"""An account's own investigation, for every use case that starts from one."""

from __future__ import annotations

from chalicelib.domain.investigation import Investigation
from chalicelib.services.not_found import NotFoundError
from chalicelib.stores.stores import stores


def own_investigation(account: str, investigation_id: str) -> Investigation:
    """Return the account's investigation as it is now: one AWS call.

    Raises:
        NotFoundError: there is none with this id, or it is not theirs.
    """
    found = stores().investigations.get(investigation_id)
    if found is None or found.account != account:
        raise NotFoundError
    return found
