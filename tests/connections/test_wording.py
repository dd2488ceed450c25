"""What providers say, in the language of a page."""

from typing import Annotated

import pytest
from django.utils import translation
from pydantic import Field, TypeAdapter, ValidationError

from connections import wording
from connections.wording import CAUSES, in_active_language, outcome_in_words
from providers.core.errors import CODES
from providers.core.wording import SENTENCES, Sentence, plain_sentence

REFUSED = "api.example does not accept the credentials. Enter a valid key."
GERMAN = {
    "{label} must be at most {bound}.": "{label}: höchstens {bound}.",
    "Warmth": "Wärme",
    "It works.": "Es funktioniert.",
}


@pytest.fixture
def german(monkeypatch):
    """A page in German, with a few translations."""
    monkeypatch.setattr(wording, "gettext", lambda text: GERMAN.get(text, text))
    with translation.override("de"):
        yield


def too_warm() -> str:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Annotated[float, Field(le=2)]).validate_python(7)
    return plain_sentence(caught.value.errors()[0], "Warmth")


@pytest.mark.usefixtures("german")
def test_a_sentence_about_a_wrong_value_is_translated_with_the_label_of_its_field():
    assert in_active_language(too_warm()) == "Wärme: höchstens 2."


def test_a_sentence_about_a_wrong_value_is_english_without_a_page():
    assert in_active_language(too_warm()) == too_warm() == "Warmth must be at most 2."


@pytest.mark.usefixtures("german")
def test_braces_in_what_was_entered_stay():
    assert in_active_language(Sentence("No {name}.", name="{label}")) == "No {label}."


def test_every_pattern_of_a_sentence_about_a_wrong_value_is_listed_for_the_catalogue():
    assert too_warm().pattern in SENTENCES  # type: ignore[attr-defined]


@pytest.mark.usefixtures("german")
def test_a_failure_is_told_by_its_code_with_what_was_said_behind_it():
    told = outcome_in_words("unauthorized", REFUSED)
    assert told.startswith(str(CAUSES["unauthorized"]))
    assert told.endswith(REFUSED)


def test_a_failure_is_told_in_english_as_it_was_said():
    assert outcome_in_words("unauthorized", REFUSED) == REFUSED


def test_each_code_of_a_provider_has_a_sentence():
    assert CAUSES.keys() == CODES


@pytest.mark.usefixtures("german")
@pytest.mark.parametrize(
    ("message", "rest"),
    [("It works. 12 models.", ""), ("It works: HTTP 200.", "It works: HTTP 200.")],
)
def test_a_test_that_passed_says_more_only_where_there_is_more(message, rest):
    told = outcome_in_words("ok", message, 12)
    assert told.startswith("Es funktioniert. 12 ")
    assert told.endswith(rest)
    assert bool(rest) == ("In English" in told)
