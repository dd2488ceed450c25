"""The documents below /docs/: everybody reads them, links lead somewhere, words find sections."""

import json
import re
from html import unescape

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from backoffice.documents.files import documents, target_of
from backoffice.documents.index import groups, neighbours
from backoffice.documents.rendering import outline, render, slug
from connections.api.codes import error_codes
from connections.templatetags.guides import GUIDES
from gateway.attention.kinds import GUIDES as OF_FAULTS
from gateway.attention.kinds import KINDS

GATEWAY = "docs/gateway.md"


def anchors(path: str) -> set[str]:
    """The places of a document that a link can name."""
    return {one.anchor for one in outline(path).sections if one.anchor}


@pytest.mark.django_db
def test_everybody_reads_them_and_no_style_or_script_is_in_them():
    for name, path in documents().items():
        html = render(path)
        assert not re.search(r" style=|<script|<iframe| on\w+=", html), name
    page = Client().get("/docs/gateway/")
    assert page.status_code == 200
    assert "<title>The gateway · Documents · Switchboard" in page.content.decode()
    assert "<title>Documents · Switchboard" in Client().get("/docs/").content.decode()
    assert "unsafe" not in page["Content-Security-Policy"]


@pytest.mark.django_db
def test_each_error_of_the_api_leads_to_its_entry(client):
    problem = client.get("/api/v1/nothing").json()
    address, _, anchor = problem["type"].partition("#")
    page = Client().get(address)
    assert page.status_code == 200
    assert f'id="{anchor}"' in page.content.decode()


def test_every_code_has_an_entry_with_a_cure():
    sections = {one.anchor: one.text for one in outline("docs/errors.md").sections}
    assert error_codes() <= {*sections}
    for code in error_codes():
        assert "What to do: " in sections[code]
        assert json.JSONDecoder().raw_decode(sections[code], sections[code].index("{"))


def test_no_place_is_called_as_what_stands_before_it_on_every_page():
    assert not {"main", "menu", "trouble"} & {
        one for path in documents().values() for one in anchors(path)
    }


def test_every_link_between_pages_leads_to_a_place_that_is_there():
    by_address = {reverse("document", args=[name]): path for name, path in documents().items()}
    for path in documents().values():
        for link in re.findall(r'href="(/docs/[^"]*)"', render(path)):
            address, _, anchor = unescape(link).partition("#")
            assert not anchor or anchor in anchors(by_address.get(address, "docs/index.md")), link


@pytest.mark.parametrize(
    ("link", "leads_to"),
    [
        ("health.md#tests", "/docs/health/#tests"),
        ("../README.md", "/docs/readme/"),
        ("index.md", "/docs/"),
        ("openapi.yaml", "/api/v1/docs"),
        ("sbom.cdx.json", "/docs/files/sbom.cdx.json"),
        ("../deploy/compose/compose.yaml", ""),
        ("../.env", ""),
        ("https://example.com/", "https://example.com/"),
    ],
)
def test_a_link_leads_to_where_this_server_has_it(link: str, leads_to: str):
    assert target_of(link, GATEWAY) == leads_to


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    [
        *("/docs/nothing/", "/docs/index/", "/docs/../manage.py/", "/docs/files/../.env"),
        *("/docs/files/openapi.yaml", "/docs/files/%2e%2e/.env", "/docs/gateway.md/"),
    ],
)
def test_nothing_else_is_served(path: str):
    assert Client().get(path).status_code == 404


def test_index_lists_every_document_once():
    listed = [entry.address for group in groups() for entry in group.entries]
    assert len(listed) == len({*listed})
    pages = {*documents()} - {"index", "readme"}  # the way in, and the index itself
    assert {*listed} == {reverse("document", args=[one]) for one in pages if "/" not in one}
    before, after = neighbours(listed[0])
    assert (before, after and after.address) == (None, listed[1])


@pytest.mark.django_db
def test_search_works_without_javascript_and_repeats_nothing_unescaped():
    page = Client().get("/docs/search/", {"q": "backup <b>"}).content.decode()
    assert "<mark>" in page
    assert "backup &lt;b&gt;" in page
    part = Client().get("/docs/search/", {"q": "zzzz"}, headers={"HX-Request": "true"})
    assert "Nothing fits" in part.content.decode()


def test_a_heading_has_the_anchor_that_github_gives_it():
    assert slug("What it's for: `A_B`, and more") == "what-its-for-a_b-and-more"


def test_what_pages_read_more_in_is_there():
    read_more = re.compile(r'read_more "([^"]+)"(?: "([^"]+)")?')
    found = [
        one
        for page in (settings.BASE_DIR / "templates").rglob("*.html")
        for one in read_more.findall(page.read_text())
    ]
    assert len(found) > 3
    for name, place in found:
        assert not place or place in anchors(documents()[name]), name
        assert name in documents()


def test_every_kind_of_fault_has_its_heading():
    assert OF_FAULTS.keys() == KINDS.keys()
    for kind, (name, place) in OF_FAULTS.items():
        assert place in anchors(documents()[name]), kind
    assert error_codes() <= anchors(documents()["errors"])


def test_every_section_of_the_pages_has_its_document():
    for name, place in GUIDES.values():
        assert not place or place in anchors(documents()[name]), name
        assert name in documents()


@pytest.mark.django_db
def test_furniture_is_german_and_the_text_says_that_it_is_not():
    client = Client(headers={"Accept-Language": "de"})
    page = client.get("/docs/gateway/").content.decode()
    assert "Dokumente" in page
    assert '<article class="prose" lang="en">' in page


def test_a_link_that_is_called_as_its_file_has_the_title_of_its_section_or_document():
    assert ">From nothing to an answer</a>" in render("docs/index.md")
    assert ">tutorial.md<" not in render("docs/index.md")
    assert '<a href="/docs/tasks/#add-a-colleague">Add a colleague</a>' in render("docs/index.md")
    assert '<a href="/docs/health/">Health</a>' in render("docs/index.md")


def test_notes_at_the_foot_are_notes_and_no_text_of_a_section():
    assert 'class="footnote-ref"><a href="#fn1" id="fnref1">[1]</a>' in render("SECURITY.md")
    assert not any("[^" in one.text for one in outline("SECURITY.md").sections)
