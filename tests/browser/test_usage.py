"""Usage in the browser: filters with and without JavaScript, pages, the table of the charts, the
download.
"""

import csv
import io
import re
from pathlib import Path

from playwright.sync_api import expect

from .conftest import OpenPage, press
from .gallery import Gallery, gallery, gallery_service  # noqa: F401 fixtures


def test_filters_narrow_the_page_and_periods_keep_them(
    open_page: OpenPage,
    gallery: Gallery,  # noqa: F811
    javascript: bool,
):
    page = open_page("operator", javascript)
    page.goto("/usage/?period=7d")
    page.get_by_label("Profile", exact=True).fill("search-index")
    press(page, "Filter")
    expect(page).to_have_url(re.compile("profile=search-index"))
    expect(page.locator(".shares").first.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="30 days").click()
    expect(page).to_have_url(re.compile("period=30d"))
    expect(page.get_by_label("Profile", exact=True)).to_have_value("search-index")
    page.get_by_role("link", name="Clear").click()
    expect(page.get_by_label("Profile", exact=True)).to_have_value("")


def test_the_list_of_requests_goes_on_and_a_request_leads_back(
    open_page: OpenPage,
    gallery: Gallery,  # noqa: F811
    javascript: bool,
):
    page = open_page("operator", javascript)
    page.goto("/usage/?period=30d")
    page.get_by_role("link", name="All requests").click()
    expect(page).to_have_url(re.compile("/usage/requests/.period=30d$"))
    page.get_by_role("textbox", name="User").fill("operator")
    press(page, "Filter")
    expect(page.get_by_label("Filters that are on")).to_contain_text("User: operator")
    newest = page.locator("tbody tr [data-open]").first
    newest.click()
    page.get_by_role("navigation", name="Breadcrumbs").get_by_role("link", name="Requests").click()
    expect(page).to_have_url(re.compile("user=operator"))
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_role("link", name="Newest")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(25)


def test_columns_of_requests_are_chosen_by_keys(
    open_page: OpenPage,
    gallery: Gallery,  # noqa: F811
):
    page = open_page("operator")
    page.goto("/usage/requests/?period=30d")
    page.get_by_role("button", name="Columns").focus()
    page.keyboard.press("Enter")
    page.get_by_role("checkbox", name="First chunk").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_role("columnheader", name="First chunk")).to_be_visible()
    page.keyboard.press("j")
    expect(page.locator("tbody [data-open]").first).to_be_focused()


def test_choosing_an_outcome_filters_at_once(open_page: OpenPage, gallery: Gallery):  # noqa: F811
    page = open_page("operator")
    page.goto("/usage/?period=30d")
    page.get_by_role("combobox", name="Outcome").select_option("Failed")
    expect(page).to_have_url(re.compile("outcome=failed"))
    expect(page.locator(".usage-numbers")).to_contain_text("0 %")
    expect(page.get_by_role("combobox", name="Outcome")).to_have_value("failed")


def test_the_latest_requests_have_pages_that_keep_the_filter(
    open_page: OpenPage,
    gallery: Gallery,  # noqa: F811
    javascript: bool,
):
    page = open_page("operator", javascript)
    page.goto("/usage/?period=30d&connection=openai-production")
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_label("Pages")).to_contain_text("Page 2 of")
    expect(page.get_by_label("Connection", exact=True)).to_have_value("openai-production")


def test_the_requests_are_downloaded_as_the_server_streams_them(
    open_page: OpenPage,
    gallery: Gallery,  # noqa: F811
    javascript: bool,
):
    page = open_page("operator", javascript)
    page.goto("/usage/?period=30d&outcome=failed")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    found = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert re.fullmatch(r"usage-[-0-9]+\.csv", download.value.suggested_filename)
    assert len(found) > 20 and {one["outcome"] for one in found} == {"rate_limited"}


def test_a_viewer_is_told_who_may(open_page: OpenPage, gallery: Gallery):  # noqa: F811
    page = open_page("viewer")
    page.goto("/")
    expect(page.get_by_role("link", name="Usage")).to_have_count(0)
    page.goto("/usage/")
    expect(page.locator("main")).to_contain_text("Administrators or Operators may.")


def test_the_arrow_keys_and_the_pointer_read_the_numbers_of_a_chart(
    open_page: OpenPage,
    gallery: Gallery,  # noqa: F811
):
    page = open_page("operator")
    page.goto("/usage/?period=30d")
    chart = page.locator("[data-chart]").first
    titles = chart.locator(".column title").all_text_contents()
    reading = chart.locator(".reading")
    chart.focus()
    for key, place in (("ArrowRight", 0), ("ArrowRight", 1), ("End", -1), ("ArrowLeft", -2)):
        page.keyboard.press(key)
        expect(reading).to_have_text(titles[place])
    chart.locator(".column .whole").nth(3).hover(force=True)
    expect(reading).to_have_text(titles[3])


def test_charts_that_a_filter_brings_can_be_read_by_keys_too(
    open_page: OpenPage,
    gallery: Gallery,  # noqa: F811
):
    page = open_page("operator")
    page.goto("/usage/?period=30d")
    page.get_by_role("combobox", name="Outcome").select_option("Failed")
    expect(page).to_have_url(re.compile("outcome=failed"))
    chart = page.locator("[data-chart]").first
    expect(chart).to_have_attribute("tabindex", "0")
    chart.focus()
    page.keyboard.press("Home")
    expect(chart.locator(".reading")).not_to_be_empty()


def test_a_chart_needs_no_javascript_to_have_its_numbers(
    open_page: OpenPage,
    gallery: Gallery,  # noqa: F811
):
    page = open_page("operator", False)
    page.goto("/usage/?period=30d")
    chart = page.locator("[data-chart]").first
    expect(chart.get_by_role("img", name=re.compile("Requests over time"))).to_be_visible()
    expect(chart.locator(".reading")).to_be_hidden()
    page.get_by_text("The same numbers as a table").click()
    expect(page.get_by_role("region", name="Numbers of the charts")).to_be_visible()
