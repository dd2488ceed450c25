"""What people do every day takes few keys: Tab, Shift+Tab, Space, Enter and arrows are counted,
typed texts are not. `most` is half of what each took when it was first counted.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.connections.types.authorizing import DOCUMENT
from tests.upstreams import Upstream

from .conftest import OpenPage, add_connection, add_profile, submit
from .test_keyboard import NAME_OF_FOCUSED
from .test_packages import export
from .test_profiles import attempts

pytestmark = pytest.mark.usefixtures("no_rows")


@dataclass
class Keys:
    """A keyboard that counts."""

    page: Page
    service: str
    count: int = 0

    def press(self, key: str, times: int = 1) -> None:
        """Presses a key."""
        for _ in range(times):
            self.page.keyboard.press(key)
            self.count += 1

    def to(self, name: str, key: str = "Tab") -> None:
        """Presses Tab until what has the focus is called like this."""
        for _ in range(80):
            self.press(key)
            if self.page.evaluate(NAME_OF_FOCUSED).strip().startswith(name):
                return
        raise AssertionError(f"{key} never reaches {name}")

    def enter(self, name: str) -> None:
        """Goes to what is called like this and presses Enter."""
        self.to(name)
        self.press("Enter")

    def skip_to(self, what: str) -> None:
        """Uses a skip link; they are the first stops of a page. Chromium moves the focus with its
        next frame: on a busy machine a script has typed three letters by then.
        """
        self.to(f"Skip to {what}")
        target = self.page.locator(self.page.evaluate("document.activeElement.hash"))
        self.press("Enter")
        expect(target).to_be_focused()

    def fill(self, name: str, text: str) -> None:
        """Goes to a field and types into it."""
        self.to(name)
        self.page.keyboard.type(text)


@pytest.fixture
def keys(open_page: OpenPage, upstream: Upstream) -> Keys:
    """The keyboard of an administrator, and a service."""
    return Keys(open_page("administrator"), upstream.url)


def heading(keys: Keys, name: str) -> None:
    expect(keys.page.get_by_role("heading", name=name, level=1)).to_be_visible()


def told(keys: Keys, text: str) -> None:
    expect(keys.page.locator("#messages")).to_contain_text(text)


def rows(keys: Keys, number: int) -> list[str]:
    """Connections with the names Echo 1, Echo 2 and so on."""
    found = [add_connection(keys.page, "echo", f"Echo {one + 1}") for one in range(number)]
    keys.page.goto("/connections/")  # where the messages of that are read
    return found


def add_with_a_reference(keys: Keys) -> None:
    keys.page.goto("/connections/")
    keys.skip_to("content")
    keys.enter("Add a connection")
    heading(keys, "Add a connection")
    expect(keys.page.get_by_role("searchbox")).to_be_focused()
    keys.page.keyboard.type("openai-compatible")
    expect(keys.page.locator("#cards li")).to_have_count(1)
    keys.enter("OC\nOpenAI-compatible")
    heading(keys, "Add OpenAI-compatible")
    keys.skip_to("the form")
    keys.fill("Name", " here")
    keys.fill("Endpoint", f"{keys.service}/v1")
    keys.fill("API key", "$OpenAI:ApiKey")
    keys.enter("Test and save")
    told(keys, "It works")


def edit(keys: Keys) -> None:
    rows(keys, 1)
    keys.page.goto("/connections/")
    keys.skip_to("the rows")
    keys.enter("Echo 1")
    heading(keys, "Echo 1")
    keys.skip_to("content")
    keys.enter("Edit")
    heading(keys, "Edit Echo 1")
    keys.skip_to("the form")
    keys.fill("Name", "Echo renamed")
    keys.press("Enter")
    told(keys, "Echo renamed is saved.")


def toggle_twice(keys: Keys) -> None:
    rows(keys, 3)
    keys.page.goto("/connections/")
    keys.skip_to("the rows")
    keys.to("Active: Echo 3")
    for state in ("false", "true"):
        keys.press("Space")
        switch = keys.page.get_by_role("switch", name="Active: Echo 3")
        expect(switch).to_have_attribute("aria-checked", state)
        expect(switch).to_have_class("switch")  # settled: no hand is faster than the script
        expect(switch).to_be_focused()


def deactivate_two(keys: Keys) -> None:
    rows(keys, 6)
    keys.page.goto("/connections/")
    keys.skip_to("the rows")
    for name in ("Echo 3", "Echo 4"):
        keys.to(f"Tick {name}")
        keys.press("Space")
    keys.press("Enter")  # from a tick box to what can be done with those ticked
    keys.enter("Switch off")
    told(keys, "2 connections")


def delete_after_moving(keys: Keys) -> None:
    rows(keys, 2)
    add_profile(keys.page, "echo-1", "Rehearsal", "echo-1")
    keys.page.goto("/")
    keys.page.goto("/connections/")
    keys.skip_to("the rows")
    keys.enter("Echo 1")
    heading(keys, "Echo 1")
    keys.skip_to("content")
    keys.enter("Delete")
    heading(keys, "Delete Echo 1")
    keys.skip_to("content")
    keys.to("To connection")
    keys.enter("Move")
    told(keys, "moved")
    keys.enter("Delete")
    told(keys, "is deleted")


def profile_with_fallbacks(keys: Keys) -> None:
    rows(keys, 1)
    for name in ("First", "Second"):
        add_profile(keys.page, "echo-1", name, "echo-1")
    keys.page.goto("/")
    keys.page.goto("/profiles/")
    keys.skip_to("content")
    keys.enter("Add a profile")
    heading(keys, "Add a profile")
    keys.skip_to("content")
    keys.enter("Chat")
    expect(keys.page.locator("#profile-form")).to_be_visible()
    keys.skip_to("the form")
    keys.fill("Name", "Third")
    keys.to("Connection")
    keys.press("ArrowDown")
    keys.fill("Model", "echo-1")
    for number, name in ((1, "Second"), (2, "First")):
        keys.to(f"Fallback {number}")
        keys.page.keyboard.type(name)
    keys.enter("Save")
    heading(keys, "Third")
    expect(attempts(keys.page)).to_contain_text(["Third", "Second", "First"])


def ask_in_the_playground(keys: Keys) -> None:
    rows(keys, 1)
    address = add_profile(keys.page, "echo-1", "Rehearsal", "echo-1")
    keys.page.goto("/")
    keys.page.goto(address)
    keys.skip_to("the playground")
    keys.fill("Message", "Hello")
    keys.press("Control+Enter")
    expect(keys.page.get_by_role("log")).to_contain_text("Echo: Hello")


def make_a_token(keys: Keys) -> None:
    keys.page.goto("/tokens/")
    keys.skip_to("the form")
    keys.fill("Name", "Deployment")
    keys.to("gateway:use")
    keys.press("Space")
    keys.press("Enter")
    expect(keys.page.get_by_text("Copy it now")).to_be_visible()


def import_a_package(keys: Keys, place: Path) -> None:
    names = [f"Echo {10 + one}" for one in range(25)]
    for name in names:
        address = add_connection(keys.page, "echo", name)
    file = export(keys.page, place, *names)
    submit(keys.page, f"{address}edit/", name="Mine", is_active="on", tags="")
    keys.page.goto("/connections/")  # where the message of that is read, and takes the focus
    keys.page.goto("/packages/import/")
    keys.page.locator("[type=file]").set_input_files(file)
    keys.skip_to("content")
    keys.enter("Upload and look")
    expect(keys.page.locator("#package-plan")).to_be_visible()
    keys.skip_to("the buttons")
    keys.to("What happens with Echo 34", "Shift+Tab")
    keys.page.keyboard.type("Replace")
    keys.enter("Show what these choices do")
    expect(keys.page.locator("[aria-busy=true]")).to_have_count(0)
    keys.enter("Import")
    expect(keys.page.get_by_text("package is imported").first).to_be_visible()


def install_a_type(keys: Keys) -> None:
    keys.page.goto("/types/")
    keys.skip_to("content")
    keys.enter("Install a type")
    heading(keys, "Install a")
    keys.skip_to("content")
    keys.to("Or its text")
    keys.page.keyboard.insert_text(DOCUMENT)
    keys.enter("Preview")
    expect(keys.page.get_by_role("heading", name="Acme").first).to_be_visible()
    keys.skip_to("the buttons")
    keys.enter("Install")
    told(keys, "installed")


JOURNEYS = {
    add_with_a_reference: 41,
    edit: 40,
    toggle_twice: 31,
    deactivate_two: 73,
    delete_after_moving: 45,
    profile_with_fallbacks: 43,
    ask_in_the_playground: 11,
    make_a_token: 17,
    install_a_type: 19,
}


@pytest.mark.parametrize(
    ("journey", "most"), JOURNEYS.items(), ids=lambda one: getattr(one, "__name__", None)
)
def test_a_journey_takes_half_of_the_keys(keys: Keys, journey, most: int):
    journey(keys)
    assert keys.count <= most


def test_a_package_takes_half_of_the_keys(keys: Keys, tmp_path: Path):
    import_a_package(keys, tmp_path)
    assert keys.count <= 55
