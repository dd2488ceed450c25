"""The marks of services: brands' drawings, and two letters where there is none."""

import re

import pytest
from django.test import Client

from connections.templatetags.marks import provider_mark
from providers.core.marks import find_mark, mark_names, mark_of_id
from providers.core.registry import all_providers


def drawn(provider) -> str:
    return provider_mark(provider)


def test_every_mark_that_a_provider_names_is_shipped():
    named = {one.id: one.mark for one in all_providers() if one.mark}
    assert named and {key: name for key, name in named.items() if not find_mark(name)} == {}


def test_every_mark_has_an_outline_in_its_own_box():
    marks = [find_mark(name) for name in mark_names()]
    assert len(marks) > 3000 and all(one.paths and one.view_box for one in marks)


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("openai", "openai"),
        ("hugging-face", "huggingface"),
        ("azure-openai", "microsoft"),
        ("serverless", "microsoft"),
    ],
)
def test_a_service_has_the_mark_of_its_brand(provider, name):
    assert f'href="/marks/{name}.svg?v=' in drawn(provider)


@pytest.mark.parametrize(
    ("provider", "letters"),
    [("echo", "Ec"), ("openai-compatible", "OC"), ("gone.type", "GT"), ("-", "?")],
)
def test_without_a_brand_it_has_two_letters_in_the_colour_of_its_id(provider, letters):
    shown = drawn(provider)
    assert f">{letters}</text>" in shown and re.search(r"hue-[0-7]", shown)
    assert shown == drawn(provider)


def test_a_mark_says_nothing_and_is_small():
    shown = [drawn(one) for one in all_providers()]
    assert all('aria-hidden="true"' in one and "style=" not in one for one in shown)
    assert max(map(len, shown)) < 900


def test_the_id_of_no_brand_has_no_mark():
    assert mark_of_id("no-such-brand") == "" and mark_of_id("hugging-face") == "huggingface"


def test_anybody_may_fetch_a_mark_and_keep_it(db):
    answer = Client().get("/marks/openai.svg?v=1")
    assert answer["Content-Type"] == "image/svg+xml" and "immutable" in answer["Cache-Control"]
    assert answer.text.count("<path") == 1 and 'id="mark"' in answer.text


def test_a_mark_that_nobody_ships_is_not_there(db):
    assert Client().get("/marks/no-such-brand.svg").status_code == 404
