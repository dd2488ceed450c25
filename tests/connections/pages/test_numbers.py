"""Numbers as pages write them."""

import pytest
from django.template import Context, Template
from django.template.loader import render_to_string


@pytest.mark.parametrize(
    ("number", "text"), [(999, "999"), (12345, "12,345"), (None, "None"), ("a dash", "a dash")]
)
def test_a_number_is_written_in_groups_of_three(number, text: str):
    assert Template("{{ number|whole }}").render(Context({"number": number})) == text


@pytest.mark.parametrize(("number", "text"), [(1, "1 connection"), (12345, "12,345 connections")])
def test_a_list_says_how_many_rows_it_has(number: int, text: str):
    assert f"<span data-announce>{text}</span>" in render_to_string(
        "elements/found.html", {"number": number, "noun": "connection", "always": True}
    )
