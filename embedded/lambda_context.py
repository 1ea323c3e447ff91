"""The context object that AWS Lambda hands to a function, for functions called in this process."""

from __future__ import annotations

import time
import uuid
from typing import Final

ACCOUNT: Final = "123456789012"
REGION: Final = "us-east-1"


class LambdaContext:
    """What the handlers may read of a Lambda context; the time limit starts when it is made."""

    function_version = "$LATEST"
    memory_limit_in_mb = 1024

    def __init__(self, function_name: str, timeout_seconds: float = 900) -> None:
        self.function_name = function_name
        self.aws_request_id = str(uuid.uuid4())
        self.invoked_function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function_name}"
        self.log_group_name = f"/aws/lambda/{function_name}"
        self.log_stream_name = "embedded"
        self.identity = None
        self.client_context = None
        self._deadline = time.monotonic() + timeout_seconds

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds left until the function's time limit, never less than 0."""
        return max(0, round((self._deadline - time.monotonic()) * 1000))
