"""The tutorial's way by page, done in a browser: each label in bold is pressed or filled in."""

import os
import re

from playwright.sync_api import Error, Page, sync_playwright

from .blocks import ROOT, TUTORIAL
from .place import Place

SECONDS = 20


class Reader:
    """Somebody at the pages, who remembers which labels there were."""

    def __init__(self, page: Page) -> None:
        """`page`: of a browser that has not signed in."""
        self.page = page
        self.seen: set[str] = set()

    def press(self, *labels: str) -> None:
        """Presses one link or button after the other."""
        for label in labels:
            found = self.page.get_by_role("link", name=label, exact=True).or_(
                self.page.get_by_role("button", name=label, exact=True)
            )
            found.locator("visible=true").first.click()
            self.seen.add(label)

    def fill(self, label: str, text: str) -> None:
        """Fills in a field, or chooses in it."""
        field = self.page.get_by_role("textbox", name=label).or_(
            self.page.get_by_role("combobox", name=label)
        )
        option = field.first.locator("option", has_text=text).first
        if field.first.evaluate("one => one.tagName") == "SELECT":
            field.first.select_option(option.get_attribute("value"))
        else:
            field.first.fill(text)
        self.seen.add(label)


def follow(place: Place) -> str:
    """How it went wrong, in words; empty where a token was shown at the end."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ.get("CHROMIUM"))
        try:
            page = browser.new_page(base_url=place.address)
            page.set_default_timeout(SECONDS * 1000)
            reader = Reader(page)
            _go(reader, place)
            told = labels()
            wrong = told ^ reader.seen
            return f"pressed and told differ in {sorted(wrong)}" if wrong else ""
        except Error as error:
            return f"{error}\n{page.url}\n{page.inner_text('body')[:2000]}"
        finally:
            browser.close()


def _go(reader: Reader, place: Place) -> None:
    page = reader.page
    page.goto("/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(place.password())
    page.get_by_role("button", name="Sign in").click()
    reader.press("Connections", "Add a connection", "Echo")
    reader.fill("Name", "Echo")
    reader.press("Save", "Profiles", "Add a profile", "Chat")
    reader.fill("Name", "Content writer")
    reader.fill("Connection", "Echo")
    reader.fill("Model", "echo-1")
    reader.press("Save", "Call it", "Make a token")
    page.get_by_text("It is shown this once").first.wait_for()


def labels() -> set[str]:
    """What the tutorial shows in bold up to the first answer."""
    text = (ROOT / TUTORIAL).read_text(encoding="utf-8")
    told = text.partition("### By page")[2].partition("## 4.")[0]
    return set(re.findall(r"\*\*([^*]+)\*\*", told))
