"""Why a report could not be written."""


class GenerationFailed(Exception):  # noqa: N818 - the worker catches it by this name
    """The report could not be written; the message is meant for its reader."""


class ModelError(Exception):
    """The model endpoint did not answer usefully; the message is meant for the report's owner."""


class ModelRejected(ModelError):  # noqa: N818
    """The endpoint refused this request (for instance as too long); another one may pass."""


class ModelUnavailable(ModelError):  # noqa: N818
    """The endpoint cannot be used at all: unreachable, wrong key, unknown model, overloaded."""
