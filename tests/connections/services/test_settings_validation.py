"""Posted settings against the rules, without a row and without a database."""

from typing import Any

import pytest

from connections.resolving import MACHINE
from connections.services.settings_validation import SettingsResult, validate_settings
from providers.core.registry import get_provider
from tests.fakes import SECRET, FakeProvider


def judged(provider: str = "fake", **posted: Any) -> SettingsResult:
    return validate_settings(get_provider(provider), posted, {}, None, asker=MACHINE)


def test_good_settings_are_validated(fake: type[FakeProvider]):
    found = judged(api_key=SECRET)
    assert found.validated and found.validated.api_key.get_secret_value() == SECRET


@pytest.mark.parametrize(
    ("provider", "posted"),
    [
        ("fake", {"api_key": "$Fake:ApiKey"}),
        ("fake", {"api_key": SECRET, "organization": "$Fake:Organization"}),
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


@pytest.mark.parametrize("text", ["changeme", "{{ KEY }}", '"sk-abc"', "os.environ/KEY"])
def test_what_cannot_be_a_key_is_refused_and_not_repeated(fake: type[FakeProvider], text: str):
    (error,) = judged(api_key=text).errors
    assert (error.field, error.code in ("placeholder", "quoted")) == ("settings.api_key", True)
    assert text not in error.message


@pytest.mark.parametrize(("text", "code"), [("Bearer sk-abc", "bearer"), ("a b", "blank_inside")])
def test_what_is_hardly_a_key_is_noticed(fake: type[FakeProvider], text: str, code: str):
    found = judged(api_key=text)
    assert (found.errors, [one.code for one in found.notices]) == ([], [code])


def test_the_value_of_a_reference_is_judged_alike(
    fake: type[FakeProvider], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FAKE__APIKEY", '"sk-hunter2"')
    found = judged(api_key="$Fake:ApiKey")
    assert [one.code for one in found.notices] == ["quoted"]
    assert "$Fake:ApiKey" in found.notices[0].message and "hunter2" not in found.notices[0].message


def test_a_secret_that_ends_like_a_mask_is_taken_where_none_was_shown():
    stored = {"secrets": {"p": "pa55word***"}}
    assert judged("custom", **stored).errors == []
    again = validate_settings(
        get_provider("custom"), stored, {}, {"secrets": {"p": "other"}}, asker=MACHINE
    )
    assert [error.code for error in again.errors] == ["masked_value"]
    assert "clear what is stored first" in again.errors[0].message


@pytest.mark.parametrize("text", ["***", "sk-***", "••••", "******"])
def test_what_is_shown_as_a_mask_is_never_a_secret(text: str):
    assert judged("custom", secrets={"p": text}).errors[0].code == "masked_value"


def test_a_password_that_looks_like_a_reference_gets_both_cures():
    (error,) = judged("custom", secrets={"p": "$5000:pass"}).errors
    assert "CONNECTIONS_REFERENCE_SECTIONS" in error.message and "write $$" in error.message
    assert judged("custom", secrets={"p": "$$5000:pass"}).errors == []
