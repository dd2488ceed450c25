"""The search over the documents: what people ask is among the first that it finds."""

from pathlib import Path

import pytest
import yaml

from backoffice.documents.searching import search

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
