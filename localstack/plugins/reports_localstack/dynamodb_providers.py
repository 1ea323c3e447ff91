"""DynamoDB and its streams on moto, which is installed with LocalStack, instead of Amazon's Java program."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, Final

from localstack.aws.api.dynamodb import DynamodbApi
from localstack.aws.api.dynamodbstreams import DynamodbstreamsApi
from localstack.services.moto import MotoFallbackDispatcher
from localstack.services.plugins import Service, aws_provider

_CORRECTIONS: Final = Path(__file__).resolve().parents[3] / "embedded" / "emulator_corrections.py"


@aws_provider(api="dynamodb", name="moto")
def dynamodb() -> Any:
    """Return DynamoDB as moto has it, corrected as it is for the embedded stack."""
    _apply_corrections()
    return Service.for_provider(DynamodbApi(), dispatch_table_factory=MotoFallbackDispatcher)


@aws_provider(api="dynamodbstreams", name="moto")
def dynamodbstreams() -> Any:
    """Return DynamoDB Streams as moto has them."""
    return Service.for_provider(DynamodbstreamsApi(), dispatch_table_factory=MotoFallbackDispatcher)


def _apply_corrections() -> None:
    """Run the embedded stack's corrections, from their file: the project itself is not on LocalStack's path.

    Raises:
        FileNotFoundError: this package does not lie in the project's folder.
    """
    spec = importlib.util.spec_from_file_location("reports_localstack.emulator_corrections", _CORRECTIONS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.apply_corrections()
