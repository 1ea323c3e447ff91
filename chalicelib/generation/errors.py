"""Why a report could not be written."""


class GenerationFailed(Exception):  # noqa: N818 - the worker catches it by this name
    """The report could not be written; the message is meant for its reader."""


class CostLimitReached(GenerationFailed):
    """Too little could be written within the limit that the report's owner has set on its cost."""


class BudgetSpent(Exception):  # noqa: N818
    """The next request could cost more than the report may; the message is meant for its reader."""


class ModelError(Exception):
    """The model endpoint did not answer usefully; the message is meant for the report's owner."""


class ModelRejected(ModelError):  # noqa: N818
    """The endpoint refused this request; another one may pass. ``complaint`` is in the endpoint's words."""

    def __init__(self, message: str, complaint: str = "") -> None:
        super().__init__(message)
        self.complaint = complaint


class ContextTooLong(ModelRejected):
    """The request and the answer asked for do not fit the model's context; a shorter one may."""


class ModelUnavailable(ModelError):  # noqa: N818
    """The endpoint cannot be used at all: unreachable, wrong key, unknown model, overloaded."""


class PrivacyFailed(GenerationFailed):
    """Private values could not be kept from the model, so nothing was sent; the message is meant for the owner."""


class SourcesGone(GenerationFailed):
    """The report's sources may not be read, or not any more; the message is meant for its owner."""
