"""Changing an alias and taking the former one away, with JavaScript and without."""

from playwright.sync_api import expect

from .conftest import OpenPage, add_connection, press


def test_an_alias_is_changed_and_the_former_one_taken_away(
    open_page: OpenPage, no_rows: None, javascript: bool
):
    page = open_page("administrator", javascript=javascript)
    page.goto(add_connection(page, "echo", "Rehearsal", alias="old"))
    page.get_by_role("link", name="Change the alias").click()
    page.get_by_label("New alias").fill("Not one")
    press(page, "Change the alias")
    expect(page.locator(".errors")).to_contain_text("lower case letters")
    page.get_by_label("New alias").fill("fresh")
    press(page, "Change the alias")
    expect(page.locator(".message")).to_contain_text("old goes on answering")
    expect(page.get_by_role("heading", name="Former aliases")).to_be_visible()
    page.get_by_role("link", name="Take away old").click()
    press(page, "Take it away")
    expect(page.locator(".message")).to_contain_text("old finds Rehearsal no longer")
    expect(page.get_by_role("heading", name="Former aliases")).to_have_count(0)
