"""Posted settings against the rules, without a row and without a database."""

from typing import Any

import pytest

from connections.services.settings_validation import SettingsResult, validate_settings
from providers.core.registry import get_provider
from tests.fakes import SECRET, FakeProvider


def judged(provider: str = "fake", **posted: Any) -> SettingsResult:
    return validate_settings(get_provider(provider), posted, {}, None)


def test_good_settings_are_validated(fake: type[FakeProvider]):
    found = judged(api_key=SECRET)
    assert found.validated and found.validated.api_key.get_secret_value() == SECRET


@pytest.mark.parametrize(
    ("provider", "posted"),
    [
        ("fake", {"api_key": "$Fake:ApiKey"}),
        ("fake", {"api_key": SECRET, "organization": "$Fake:Nothing"}),
        ("custom", {"configs": {"region": "eu"}, "secrets": {"token": "$Custom:Nothing"}}),
    ],
)
def test_what_a_reference_leaves_open_is_no_error_and_not_ready_for_use(
    fake: type[FakeProvider], provider: str, posted: dict[str, Any]
):
    found = judged(provider, **posted)
    assert found.errors == [] and found.validated is None


def test_what_is_wrong_is_not_ready_for_use(fake: type[FakeProvider]):
    found = judged(api_key=SECRET, samples=10)
    assert [error.field for error in found.errors] == ["settings.samples"]
    assert found.validated is None
