"""Summaries and examples of the gateway's operations for the OpenAPI document, by operation.

All are run as tests.
"""

from typing import Any

from connections.api.examples import CONNECTION_ID, PROFILE_ID, Examples

from . import chat_examples

SUMMARY = {
    "totalRequests": 1250,
    "inputTokens": 812400,
    "outputTokens": 193600,
    "totalTokens": 1006000,
    "successCount": 1220,
    "failureCount": 25,
    "successRate": 0.9799,
    "averageDurationMs": 1184.2,
    "medianDurationMs": 870.5,
}
POINT = {
    "timestamp": "2026-01-01T09:00:00Z",
    "requestCount": 42,
    "totalTokens": 31000,
    "inputTokens": 25000,
    "outputTokens": 6000,
    "successCount": 41,
    "failureCount": 1,
}


def _item(dimension: str, name: str | None) -> dict[str, Any]:
    return {
        "dimension": dimension,
        "dimensionName": name,
        "requestCount": 1000,
        "totalTokens": 804000,
        "percentage": 80.0,
    }


SUMMARIES = {
    "getUsageSummary": "Requests, tokens, successes and durations of a period",
    "getUsageTimeSeries": "Requests and tokens by hour or day",
    "getUsageByProvider": "Requests and tokens by provider",
    "getUsageByModel": "Requests and tokens by model",
    "getUsageByProfile": "Requests and tokens by profile",
    "getUsageByConnection": "Requests and tokens by connection",
    "getUsageByUser": "Requests and tokens by user",
    **chat_examples.SUMMARIES,
}
REQUESTS: dict[str, Examples] = {**chat_examples.REQUESTS}
ANSWERS: dict[str, Examples] = {
    "getUsageSummary": {"week": ("A week", SUMMARY)},
    "getUsageTimeSeries": {"hours": ("The first of many hours", [POINT])},
    "getUsageByProvider": {"one": ("The greatest share", [_item("openai", "OpenAI")])},
    "getUsageByModel": {"one": ("The greatest share", [_item("gpt-4o", None)])},
    "getUsageByProfile": {"one": ("The greatest share", [_item(PROFILE_ID, "support-answers")])},
    "getUsageByConnection": {
        "one": ("The greatest share", [_item(CONNECTION_ID, "openai-production")])
    },
    "getUsageByUser": {"one": ("The greatest share", [_item("7", "ada")])},
    **chat_examples.ANSWERS,
}
