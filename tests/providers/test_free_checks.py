"""Which checks may be made by themselves: read off what a provider implements and what its test
costs.
"""

from typing import Any

import pytest

from providers.core.base import CheckResult, Model, Provider
from providers.core.registry import get_provider
from providers.core.settings import ProviderSettings
from providers.http.checks import TestRequest
from providers.http.service import HttpService


class Nothing(Provider[ProviderSettings]):
    """Implements neither."""


class Lists(Provider[ProviderSettings]):
    """Lists models."""

    def list_models(self) -> list[Model]:
        return []


class Checks(Provider[ProviderSettings]):
    """Has a check of its own."""

    def check(self) -> CheckResult:
        return CheckResult("itself", 0.0)


class Tiny(Lists):
    """Lists models for a fee."""

    check_cost = "tiny"


@pytest.mark.parametrize(
    ("kind", "is_free"), [(Nothing, False), (Lists, True), (Checks, True), (Tiny, False)]
)
def test_it_is_read_off_the_methods_and_the_cost(kind: type[Provider[Any]], is_free: bool):
    assert kind(ProviderSettings()).has_free_check is is_free


@pytest.mark.parametrize(
    ("address", "dearest", "cost", "is_free"),
    [
        ("https://a.example", "free", "free", True),
        ("https://a.example", "free", None, True),
        ("https://a.example", "tiny", "free", True),  # another variant's test is the dear one
        ("https://a.example", "tiny", "tiny", False),
        ("https://a.example", "billed", "free", False),
        ("https://a.example", "billed", None, False),
        ("", "free", "free", False),  # nobody is asked
    ],
)
def test_of_a_service_over_http_the_request_counts(
    address: str, dearest: str, cost: str | None, is_free: bool
):
    class Service(HttpService[ProviderSettings]):
        base_url = address
        check_cost = dearest
        test_request = TestRequest(cost=cost) if cost else None

    assert Service(ProviderSettings()).has_free_check is is_free


def test_custom_connections_ask_nobody():
    assert get_provider("custom").has_free_check is False
