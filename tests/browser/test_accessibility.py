"""axe-core finds nothing on any page, light and dark, wide and narrow; and nothing sticks out of a
phone's screen.
"""

import os
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from providers.core.registry import all_providers

from .conftest import DESKTOP, PHONE, ROOT, OpenPage
from .gallery import (  # noqa: F401 fixtures
    EMPTY,
    gallery,
    gallery_service,
    scene,
    too_wide,
    too_wide_when_spaced,
)

COLOURS = ["color-contrast", "link-in-text-block"]  # what colours can break
NO_COLOURS = {"rules": {one: {"enabled": False} for one in COLOURS}}
OF_ANY_SIZE = {"runOnly": ["scrollable-region-focusable"]}  # what fits where it is wide may scroll
# Else axe also tells which nodes pass, with a selector for each.
RUN = (
    "options => axe.run({...options, resultTypes: ['violations']})"
    ".then(found => found.violations.map(one => `${one.id}: "
    "${one.nodes.map(node => node.html).join(' ')}`))"
)
# Each way in which text is painted: its own style, and everything that lies behind it.
PAINTED = """() => {
  const told = new Set()
  for (const one of document.querySelectorAll('body *')) {
    const has = [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim())
    if (!(has || one.matches('input, select, textarea')) || !one.checkVisibility()) continue
    const own = getComputedStyle(one), around = getComputedStyle(one.parentElement).color
    const parts = [one.localName, one.matches(':disabled'), own.color, own.fontSize,
      own.fontWeight, own.textDecorationLine, around]
    for (let up = one; up; up = up.parentElement) {
      const style = getComputedStyle(up)
      parts.push(style.backgroundColor, style.backgroundImage, style.opacity)
    }
    told.add(parts.filter(part => !['rgba(0, 0, 0, 0)', 'none', '1'].includes(part)).join())
  }
  return [...told]
}"""
NOTE_WIDE = """() => { window.wide = new Set([...document.querySelectorAll('body *')]
  .filter(one => one.checkVisibility())) }"""
ONLY_NARROW = """() => [...document.querySelectorAll('body *')]
  .filter(one => one.checkVisibility() && !window.wide.has(one)).map(one => one.outerHTML)"""
# What axe has met on the pages before, by the colour scheme; and what only a phone shows.
met: dict[str, set[str]] = {"light": set(), "dark": set(), "narrow": set()}


@cache
def axe() -> str:
    program = Path(os.environ.get("AXE", ROOT / "node_modules" / "axe-core" / "axe.min.js"))
    assert program.exists(), f"{program} is not there. Run `npm ci`, or let AXE name axe.min.js."
    return program.read_text()


def violations(page: Page, everything: bool = False) -> list[str]:
    """What axe says about the page in both colour schemes and both widths.

    Only with `everything` is axe asked again about what pages before had: colours are half of what
    it does, and what a phone shows is most of the rest.
    """
    page.evaluate(axe())
    found = []
    for scheme, size in product(("light", "dark"), (DESKTOP, PHONE)):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size(size)
        rules = _of_scheme(scheme) if everything else _not_met(page, scheme, size == PHONE)
        if rules is not None:
            found += [f"{scheme} {size['width']} {one}" for one in page.evaluate(RUN, rules)]
    return found


def _of_scheme(scheme: str) -> dict[str, Any]:
    return {"runOnly": COLOURS} if scheme == "dark" else {}


def _not_met(page: Page, scheme: str, narrow: bool) -> dict[str, Any] | None:
    """The options of axe for what no page before had; None if there is nothing to ask.

    Colours are those of the wide page: a phone has no others, but for those of the frame.
    """
    if narrow and scheme == "dark":
        return None
    if narrow:
        return NO_COLOURS if _news(page, "narrow", ONLY_NARROW) else OF_ANY_SIZE
    is_new = _news(page, scheme, PAINTED)
    if scheme == "dark":
        return _of_scheme(scheme) if is_new else None
    page.evaluate(NOTE_WIDE)
    return _of_scheme(scheme) if is_new else NO_COLOURS


def _news(page: Page, kind: str, look: str) -> bool:
    """Whether the page has anything of this kind that none before had. It is met then."""
    found = {*page.evaluate(look)}
    is_new = not found <= met[kind]
    met[kind] |= found
    return is_new


def test_page_has_no_violation_and_fits_a_phone(scene: Page):  # noqa: F811
    assert violations(scene) == []
    assert too_wide(scene) == []
    assert too_wide_when_spaced(scene) == []


def test_the_texts_of_every_provider_fit_a_phone(open_page: OpenPage):
    page = open_page("administrator", viewport=PHONE)
    for provider in all_providers():
        page.goto(f"/connections/add/{provider.id}/")
        assert too_wide(page) == [], provider.id


def test_djangos_own_first_page_fits_a_phone_in_german(open_page: OpenPage):
    page = open_page("administrator", viewport=PHONE, locale="de")
    page.goto("/admin/")
    assert too_wide(page) == []


@pytest.mark.parametrize("path", ["/connections/", "/profiles/add/chat/"])
def test_refusal_has_no_violation(open_page: OpenPage, path: str):
    page = open_page("stranger")
    page.goto(path)
    assert violations(page) == []


@pytest.mark.parametrize("path", EMPTY.values(), ids=EMPTY)
def test_empty_page_has_no_violation_and_fits_a_phone(
    open_page: OpenPage, no_rows: None, path: str
):
    page = open_page("administrator")
    page.goto(path)
    assert violations(page, everything=True) == []
    assert too_wide(page) == []


def test_axe_finds_what_is_wrong(open_page: OpenPage):
    page = open_page("administrator")
    page.goto("/password/")
    page.locator("label").first.evaluate("label => label.remove()")
    assert any("label:" in one for one in violations(page))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_is_asked_about_a_colour_that_was_not_there_before(open_page: OpenPage, scheme: str):
    page = open_page("administrator")
    page.goto("/password/")
    assert violations(page) == []
    page.goto("/password/")
    colour = "#e8e8e8" if scheme == "light" else "#202020"
    page.locator("label").first.evaluate("(label, colour) => label.style.color = colour", colour)
    assert any(one.startswith(f"{scheme} 1280 color-contrast") for one in violations(page))


def test_axe_is_asked_about_what_only_a_phone_shows(open_page: OpenPage):
    page = open_page("administrator")
    page.goto("/password/")
    page.evaluate(WITH_A_BUTTON_OF_PHONES)
    assert any(one.startswith("light 390 button-name") for one in violations(page))


WITH_A_BUTTON_OF_PHONES = """() => {
  const sheet = new CSSStyleSheet()
  sheet.replaceSync('@media (min-width: 800px) { #nameless { display: none } }')
  document.adoptedStyleSheets = [sheet]
  document.querySelector('main').insertAdjacentHTML('beforeend', '<button id=nameless></button>')
}"""
