"""The search over the documents: what people ask is among the first that it finds."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from backoffice.documents import rendering
from backoffice.documents.files import FIRST
from backoffice.documents.searching import load, search

ASKED = Path(__file__).with_name("asked.yaml")


def test_what_people_ask_is_among_the_first_three():
    wrong = {}
    for place, questions in yaml.safe_load(ASKED.read_text(encoding="utf-8")).items():
        address = f"/docs/{place.replace('#', '/#') if '#' in place else f'{place}/'}"
        for asked in questions:
            found = [one.address for one in search(asked)[:3]]
            if address not in found:
                wrong[asked, address] = found
    assert wrong == {}


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("unresolved_reference", "/docs/errors/#unresolved_reference"),
        ("GATEWAY_MAX_BODY_MB", "/docs/settings/#gateway_max_body_mb"),
    ],
)
def test_a_name_is_found_first_where_it_is_explained(name: str, address: str):
    assert search(name)[0].address == address


def test_once_loaded_nothing_is_read_again(monkeypatch: pytest.MonkeyPatch):
    load()
    monkeypatch.setattr(rendering, "_parser", None)
    assert search("restore a backup")


def test_threads_that_want_a_document_at_once_read_it_once(monkeypatch: pytest.MonkeyPatch):
    read = list[str]()

    def parse(text: str) -> list[object]:
        read.append(text)
        time.sleep(0.05)
        return []

    monkeypatch.setattr(rendering, "_parser", lambda: SimpleNamespace(parse=parse))
    rendering._outline.cache_clear()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(rendering.outline, [FIRST] * 4))
    rendering._outline.cache_clear()
    assert len(read) == 1
