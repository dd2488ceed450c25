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
RUN = (
    "options => axe.run(options).then(found => found.violations.map(one => `${one.id}: "
    "${one.nodes.map(node => node.html).join(' ')}`))"
)


@cache
def axe() -> str:
    program = Path(os.environ.get("AXE", ROOT / "node_modules" / "axe-core" / "axe.min.js"))
    assert program.exists(), f"{program} is not there. Run `npm ci`, or let AXE name axe.min.js."
    return program.read_text()


def violations(page: Page, everything: bool = False) -> list[str]:
    """What axe says about the page in both colour schemes and both widths.

    Only with `everything` are colours looked at on a phone too: there are no more than wide, but
    for those of the frame, which all pages share. They are half of what axe does.
    """
    page.evaluate(axe())
    found = []
    modes = [*product(("light", "dark"), (DESKTOP, PHONE))]
    for scheme, size in modes if everything else modes[:-1]:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size(size)
        rules: dict[str, Any] = {}
        if scheme == "dark":
            rules = {"runOnly": COLOURS}
        elif size == PHONE and not everything:
            rules = {"rules": {one: {"enabled": False} for one in COLOURS}}
        found += [f"{scheme} {size['width']} {one}" for one in page.evaluate(RUN, rules)]
    return found


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
