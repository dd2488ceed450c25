"""Packages in a browser: out of the list, into a plan, and what becomes of it."""

import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .conftest import (
    MARK,
    PHONE,
    TYPED_KEY,
    OpenPage,
    Server,
    Watch,
    add_connection,
    add_profile,
    press,
    shows_no_secret,
    submit,
)
from .gallery import too_wide
from .test_accessibility import violations

pytestmark = pytest.mark.usefixtures("no_rows")
PASSPHRASE = f"passphrase-{MARK}"


def export(
    page: Page, place: Path, *names: str, profiles: bool = False, passphrase: str = ""
) -> Path:
    """Downloads a package of the connections with these names from the list."""
    page.goto("/connections/")
    for name in names:
        page.get_by_role("checkbox", name=f"Tick {name}").check()
    press(page, "Export")
    if profiles:
        page.get_by_label("With their profiles").check()
    if passphrase:
        page.get_by_label("Passphrase", exact=True).fill(passphrase)
        page.get_by_label("Passphrase again").fill(passphrase)
    with page.expect_download() as download:
        press(page, "Download")
    assert re.fullmatch(r"switchboard-\d{4}-\d\d-\d\d\.zip", download.value.suggested_filename)
    download.value.save_as(place / "package.zip")
    return place / "package.zip"


def upload(page: Page, file: Path) -> None:
    """Leads to the plan."""
    page.goto("/packages/import/")
    page.get_by_label("Package").set_input_files(file)
    press(page, "Upload and look")
    expect(page.get_by_role("button", name="Drop the package")).to_be_visible()


def delete(page: Page, address: str) -> None:
    submit(page, f"{address}delete/")


def test_what_is_exported_is_imported_again_and_changes_nothing(
    open_page: OpenPage, server: Server, tmp_path: Path
):
    page = open_page("operator")
    add_connection(page, "openai", "OpenAI", api_key=TYPED_KEY)
    add_connection(page, "echo", "Echo")
    add_profile(page, "openai", "Answers", "gpt-4o-mini")
    file = export(page, tmp_path, "OpenAI", profiles=True)
    with zipfile.ZipFile(file) as opened:
        assert MARK not in "".join(opened.read(name).decode() for name in opened.namelist())
        assert {"connections/openai.yaml", "profiles/answers.yaml"} <= set(opened.namelist())
    before = server.rows()["connections_connection"]
    upload(page, file)
    expect(page.get_by_text("Everything in this package is here already")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(2)
    assert server.rows()["connections_connection"] == before


@pytest.mark.parametrize(
    ("choice", "javascript"),
    [
        ("Keep mine", True),
        ("Replace mine", True),
        ("Replace mine", False),
        ("Import as a copy", True),
        ("Merge: fill what is empty here", True),
    ],
)
def test_a_conflict_is_decided(open_page: OpenPage, tmp_path: Path, choice: str, javascript: bool):
    page = open_page("operator", javascript)
    address = add_connection(page, "echo", "Theirs", alias="echo", prefix="Theirs: ")
    file = export(page, tmp_path, "Theirs")
    submit(
        page,
        f"{address}edit/",
        name="Mine",
        is_active="on",
        tags="",
        **{"settings-prefix": "Mine: "},
    )
    upload(page, file)
    page.get_by_label("What happens with Theirs").select_option(choice)
    press(page, "Show what these choices do")
    expect(page.get_by_label("What happens with Theirs").locator("option:checked")).to_have_text(
        choice
    )
    press(page, "Import")
    expect(
        page.get_by_role("status")
        .filter(has_text="package is imported")
        .or_(page.get_by_text("Nothing was changed"))
    ).to_be_visible()
    page.goto("/connections/")
    names = {"Replace mine": ["Theirs"], "Import as a copy": ["Mine", "Theirs"]}.get(
        choice, ["Mine"]
    )
    expect(page.locator(".name a:first-child")).to_have_text(names)


def test_a_missing_key_becomes_a_reference(open_page: OpenPage, tmp_path: Path, javascript: bool):
    page = open_page("administrator", javascript)
    address = add_connection(page, "openai", "OpenAI", api_key=TYPED_KEY)
    file = export(page, tmp_path, "OpenAI")
    delete(page, address)
    upload(page, file)
    page.get_by_label("Reference").fill(TYPED_KEY)
    press(page, "Import")
    expect(page.get_by_text("A reference begins with a dollar sign")).to_be_visible()
    assert shows_no_secret(page)
    page.get_by_label("Reference").fill("$OpenAI:ApiKey")
    press(page, "Import")
    page.get_by_role("link", name="OpenAI", exact=True).click()
    expect(page.get_by_text("$OpenAI:ApiKey").first).to_be_visible()


def test_a_key_comes_from_another_connection_or_later(
    open_page: OpenPage, server: Server, tmp_path: Path
):
    page = open_page("administrator")
    address = add_connection(page, "openai", "OpenAI", api_key=TYPED_KEY)
    file = export(page, tmp_path, "OpenAI")
    delete(page, address)
    add_connection(page, "openai", "Reserve", api_key=TYPED_KEY)
    upload(page, file)
    press(page, "Import")
    expect(page.get_by_text("Needs its key")).to_be_visible()
    delete(page, address)
    upload(page, file)
    page.get_by_label("Or the key of").fill("reserve")
    press(page, "Import")
    expect(page.get_by_text("The package is imported.")).to_be_visible()
    expect(page.get_by_text("Needs its key")).to_have_count(0)


def test_sealed_keys_travel_with_a_passphrase(open_page: OpenPage, tmp_path: Path):
    page = open_page("administrator")
    address = add_connection(page, "openai", "OpenAI", api_key=TYPED_KEY)
    file = export(page, tmp_path, "OpenAI", passphrase=PASSPHRASE)
    assert MARK.encode() not in file.read_bytes()
    delete(page, address)
    upload(page, file)
    press(page, "Import")
    expect(page.locator(".field .errors")).to_contain_text("Enter the passphrase, or tick")
    page.get_by_label("Passphrase").fill(PASSPHRASE)
    press(page, "Show what these choices do")
    expect(page.get_by_text("What you entered is kept, encrypted")).to_be_visible()
    assert shows_no_secret(page)
    press(page, "Import")
    expect(page.get_by_text("The package is imported.")).to_be_visible()
    expect(page.get_by_text("Needs its key")).to_have_count(0)


def test_a_file_that_is_too_large_is_refused_in_words(
    open_page: OpenPage, watch: Watch, tmp_path: Path, javascript: bool
):
    page = open_page("operator", javascript)
    for megabytes, said in (
        (10.5, "A package has at most 10 MB."),
        (50, "A file has at most 10 MB here."),
    ):
        (tmp_path / "large.zip").write_bytes(bytes(int(megabytes * 1024 * 1024)))
        page.goto("/packages/import/")
        page.get_by_label("Package").set_input_files(tmp_path / "large.zip")
        press(page, "Upload and look")
        expect(page.get_by_text(said).last).to_be_visible()  # beside the field, after the summary
    watch.found = [one for one in watch.found if "a status of 413" not in one]


def test_pages_have_no_violation_and_fit_a_phone_in_the_dark(open_page: OpenPage, tmp_path: Path):
    page = open_page("administrator", viewport=PHONE, color_scheme="dark")
    address = add_connection(
        page, "openai", "W" * 60, alias="openai", api_key=TYPED_KEY, organization="o" * 60
    )
    echo = add_connection(page, "echo", "Echo")
    add_profile(page, "echo", "P" * 60, "m" * 60)
    page.goto("/packages/export/?profiles=on")
    assert (violations(page), too_wide(page)) == ([], [])
    file = export(page, tmp_path, "W" * 60, "Echo", profiles=True, passphrase=PASSPHRASE)
    delete(page, address)
    submit(page, f"{echo}edit/", name="Mine", is_active="on", tags="")
    page.goto("/packages/import/")
    assert (violations(page), too_wide(page)) == ([], [])
    upload(page, file)
    assert (violations(page), too_wide(page)) == ([], [])
    page.locator("[name^=secret-]").first.fill("no reference")
    press(page, "Import")
    assert (violations(page), too_wide(page)) == ([], [])
    page.locator("[name^=secret-]").first.fill("")
    page.get_by_label("Import without the sealed keys").check()
    press(page, "Import")
    expect(page.get_by_text("Needs its key")).to_be_visible()
    assert (violations(page), too_wide(page)) == ([], [])
