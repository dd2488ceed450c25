"""The design language of docs/pages.md: tokens, and what may not stand beside them."""

import re
from itertools import product
from pathlib import Path

import pytest
from django.test import override_settings

from connections.templatetags.marks import HUES

SHEET = Path("static/css/backoffice.css").read_text()
ROOT, REST = re.fullmatch(r".*?:root \{(.*?)\n\}(.*)", SHEET, re.DOTALL).groups()
PAIR = re.compile(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);")
COLOURS = {name: pair for name, *pair in PAIR.findall(ROOT)}
GROUNDS = ("ground", "surface", "raised")
TEXTS = [
    *product(("text", "muted", "accent"), GROUNDS),
    *((tone, f"{tone}-ground") for tone in ("good", "bad", "warn")),
    *product(("text",), ("good-ground", "bad-ground", "warn-ground")),
    *((f"hue-{number}", "raised") for number in range(HUES)),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
]


def luminance(colour: str) -> float:
    """Of WCAG 2.2: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return sum(share * one for share, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """Of WCAG 2.2: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXTS)
def test_text_can_be_read_on_its_ground(text, ground, scheme):
    assert contrast(COLOURS[text][scheme], COLOURS[ground][scheme]) >= 4.5


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["ground", "surface"])
def test_the_lines_of_fields_can_be_seen(ground, scheme):
    assert contrast(COLOURS["line-strong"][scheme], COLOURS[ground][scheme]) >= 3


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("kind", ["first", "second", "other", "failed"])
def test_what_charts_draw_can_be_seen(kind, scheme):
    assert contrast(COLOURS[f"chart-{kind}"][scheme], COLOURS["surface"][scheme]) >= 3


def test_no_rule_has_a_colour_of_its_own():
    assert re.findall(r"#[0-9a-f]{3,8}\b(?=[;, )])|\brgba?\(|\bhsla?\(", REST) == []


def test_no_rule_has_a_distance_or_a_size_of_type_of_its_own():
    own = r"(?:margin|padding|gap|font-size)[\w-]*: [^;]*?\d(?:rem|px)"
    assert re.findall(own, REST) == []


def test_every_token_that_is_used_is_there():
    known = set(re.findall(r"--[\w-]+(?=:)", SHEET))
    assert set(re.findall(r"var\((--[\w-]+)", SHEET)) <= known


def test_the_style_guide_is_there_for_developers_only(admin_client):
    assert admin_client.get("/styleguide/").status_code == 404
    with override_settings(DEBUG=True):
        assert "Style guide" in admin_client.get("/styleguide/").text
