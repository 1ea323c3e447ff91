"""How the texts of a claimed report travel: scrambled, with tokens in its vault, unless its owner forgoes it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from chalicelib.domain.report import Report
from chalicelib.generation.errors import PrivacyFailed
from chalicelib.generation.journal import USAGE_KEY
from chalicelib.generation.scrambling import Scrambling, Texts, Unscrambled, usable_checkpoints
from chalicelib.privacy.token_map import TokenMap
from chalicelib.services.detectors import detector
from chalicelib.services.vault import Vault, VaultFailedError
from chalicelib.stores.stores import stores

_log = logging.getLogger(__name__)

_VAULT_FAILED: Final = (
    "The private values of the report could not be put under lock and key, "
    "so nothing of it was sent to a model any more"
)


class PrivateTexts:
    """The texts of one report, and the vault for what they hide."""

    def __init__(self, report: Report) -> None:
        """Take what earlier attempts left in the report's vault.

        Raises:
            PrivacyFailed: it cannot be used.
            ClaimEndedError: a later attempt has it.
        """
        self._report = report
        self._vault = Vault(report)
        self.texts: Texts = Unscrambled()
        if report.scrambling_enabled or report.kind == "narrative":
            self.texts = Scrambling(_opened(self._vault), detector(), self._keep)

    @property
    def has_vault(self) -> bool:
        """Whether there is a vault to be destroyed with the report's end."""
        return self._vault.is_there

    def usable(self, checkpoints: Mapping[str, str]) -> tuple[Mapping[str, str], bool]:
        """Return the pieces of earlier attempts that can still be used, and whether any had to be discarded.

        Without the tokens in some, none is used: they belong together. All are deleted then, before there are other
        tokens, so that no later attempt takes those for these.
        """
        kept = usable_checkpoints(checkpoints, self.texts)
        if kept is not None:
            return kept, False
        _log.warning("report %s: its earlier text is discarded, as its tokens are gone", self._report.id)
        stores().checkpoints.clear(self._report.id, in_full=True)
        return {name: text for name, text in checkpoints.items() if name == USAGE_KEY}, True

    def _keep(self, tokens: str) -> None:
        try:
            self._vault.keep(tokens)
        except VaultFailedError as error:
            raise _failed(error) from None


def _opened(vault: Vault) -> TokenMap:
    try:
        return vault.open()
    except VaultFailedError as error:
        raise _failed(error) from None


def _failed(error: VaultFailedError) -> PrivacyFailed:
    _log.error("the vault cannot be used: %s", error)
    return PrivacyFailed(_VAULT_FAILED)
