"""The events that AWS hands to functions for SQS messages and for schedules."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from embedded.lambda_context import ACCOUNT, REGION


def sqs_event(message: Mapping[str, Any], queue_name: str) -> dict[str, Any]:
    """Return the event of an event source mapping with batch size 1.

    Args:
        message: one message as ``receive_message`` returns it, with all attributes.
        queue_name: the queue that it came from.
    """
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": dict(message.get("Attributes", {})),
                "messageAttributes": dict(message.get("MessageAttributes", {})),
                "md5OfBody": message.get("MD5OfBody", ""),
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue_name}",
                "awsRegion": REGION,
            }
        ]
    }


def schedule_event(rule_name: str) -> dict[str, Any]:
    """Return the event that EventBridge sends when the schedule ``rule_name`` fires now."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{rule_name}"],
        "detail": {},
    }
