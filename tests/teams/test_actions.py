"""Who may do what with a row, at every address of pages and API that names one: by role, and by
whose the row is.

The addresses are those that there are, so that a new one fails here until ACTIONS says what it
takes. The cells are the table of test_rule.py; what nobody sees at all is in test_table.py.
"""

import re
from typing import Any

import pytest

from connections import services
from connections.models import FormerAlias, KeyReplacement
from tests.people import browser

from .conftest import Teams
from .test_rule import ROWS, TABLE
from .test_table import ask, operations, pages

pytestmark = pytest.mark.django_db
PEOPLE = ("viewer", "operator", "administrator")
# These cells tell the letters apart. The others add nothing: with what is not of their own team an
# operator may what an administrator may, and a viewer may see all of it.
CELLS = (
    *((name, "own") for name in PEOPLE),
    *(("viewer", "used"), ("administrator", "used")),
    *(("administrator", "of all"), ("administrator", "seen")),
)
WHOLE = {"name": "Other", "isActive": True, "settings": {}, "tags": []}
UNLIKE = "POST duplicate"  # of a profile on a connection that may only be seen: 400 says so
MODEL = {"model": {"providerId": "fake", "modelId": "m"}}
# What an address takes, by its method and what follows the row in it: v to see, u to use, c to
# change, d to delete, m to share, e of those who may everything; n to see it and have rights to
# others, t to use it and make tokens. With what is sent, where an empty body would not do.
ACTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "GET": ("v", {}),
    "PUT connections": ("c", WHOLE),
    "PUT profiles": ("c", WHOLE | MODEL),
    "PATCH": ("c", {"name": "Other"}),
    "DELETE": ("d", {}),
    "GET edit": ("c", {}),
    "POST edit": ("c", {}),
    "GET alias": ("e", {}),
    "POST alias": ("e", {"alias": "other"}),
    "GET delete": ("d", {}),
    "POST delete": ("d", {}),
    "GET team": ("v", {}),
    "POST team": ("c", {"action": "move", "team": "Red"}),
    "PUT team": ("c", {"team": "Red"}),
    "GET shares": ("m", {}),
    "PUT shares/*": ("m", {"level": "see"}),
    "DELETE shares/*": ("m", {}),
    "POST duplicate": ("n", {}),
    "POST test": ("u", {}),
    "POST toggle": ("c", {}),
    "GET former-aliases": ("v", {}),
    "DELETE former-aliases/*": ("e", {}),
    "GET versions": ("v", {}),
    "GET versions/*": ("v", {}),
    "PATCH versions/*": ("c", {"name": "Other"}),
    "POST versions/*": ("c", {}),
    "POST versions/*/restore": ("c", {}),
    # of connections
    "POST move-profiles": ("n", {}),
    "GET allow": ("c", {}),
    "POST allow": ("c", {}),
    "GET replace-key": ("c", {}),
    "POST replace-key": ("c", {}),
    "GET leaked": ("c", {}),
    "POST leaked": ("c", {}),
    "POST purge": ("c", {}),
    "POST leak": ("c", {}),
    "GET models": ("v", {}),
    "GET references": ("v", {}),
    "GET usages": ("v", {}),
    "GET replacement": ("v", {}),
    "POST replacement": ("c", {"settings": {"apiKey": "sk-another"}}),
    "DELETE replacement": ("c", {}),
    "POST replacement/go-back": ("c", {}),
    # of profiles
    "GET call": ("u", {}),
    "POST call": ("t", {}),
    "GET playground": ("u", {}),
    "POST playground": ("u", {}),
}


def addresses() -> list[tuple[str, str, str]]:
    """The methods and addresses in which a connection or a profile is named, with the key in
    ACTIONS.
    """
    found = [(method, route) for route, _ in pages(of_api=False) for method in ("GET", "POST")]
    found += [(method, route) for route, methods in operations() for method in methods]
    told = []
    for method, route in found:
        named = re.fullmatch(r"(?:api/v1/)?(connections|profiles)/<[^>]*>/?(.*?)/?", route)
        if named and named[2] != "exists":  # which asks about any text
            what = named[2] or (named[1] if method == "PUT" else "")
            told.append((method, route, re.sub("<.*>", "*", f"{method} {what}").strip()))
    return told


@pytest.fixture
def everything(teams: Teams) -> Teams:
    """Each row with a former alias, and a key that is being replaced."""
    for name, rows in teams.rows.items():
        for row in rows:
            kind = row._meta.model_name
            FormerAlias.objects.create(alias=f"former-{name.split()[-1]}", **{kind: row})
        KeyReplacement.objects.create(
            connection=rows[0],
            fields=["api_key"],
            settings_version=rows[0].settings_version,
            due=1,
            until=rows[0].date_created,
        )
    for row in teams.rows["own"]:
        services.share(row, teams.b, "see", actor=None)
    return teams


def test_who_may_do_what_at_every_address(everything: Teams):
    teams, wrong, met = everything, [], set()
    who = {name: browser(teams.people[name]) for name in PEOPLE}
    for method, route, key in addresses():
        letter, body = ACTIONS.get(key, ("", {}))
        for name, row in CELLS:
            if key == "PUT profiles":
                body = {**body, "connectionId": str(teams.rows[row][0].pk)}
            status, text, _ = ask(who[name], method, filled(route, row, teams), body)
            is_done = status not in (403, 404, 405)
            if is_done != may(letter, name, row) or (status == 400 and key != UNLIKE):
                wrong.append(f"{name} {row} {method} {route}: {status} {text[-300:]}")
            met |= {key} if status != 405 else set()
    assert not wrong, f"{len(wrong)}\n" + "\n".join(wrong)
    assert met >= ACTIONS.keys()


def filled(route: str, row: str, teams: Teams) -> str:
    """The address of a row; of its share with another team, its former alias, or a version."""
    named = teams.rows[row]["profiles/<" in route]
    shared = teams.b if row == "own" else teams.a
    other = str(shared.pk) if "shares" in route else f"former-{row.split()[-1]}"
    other = "1" if "/versions" in route else other
    return "/" + re.sub("<[^>]*>", other, re.sub("<[^>]*>", str(named.pk), route, count=1))


def may(letter: str, name: str, row: str) -> bool:
    """True if somebody may do with a row what the letter says."""
    cell = TABLE[name][ROWS.index(row)]
    if letter == "n":
        return "v" in cell and name != "viewer"
    if letter == "t":
        return "u" in cell and name == "administrator"
    return bool(letter) and letter in cell


def test_the_cells_that_are_asked_tell_letters_apart_as_all_cells_do():
    every = [(name, row) for name in PEOPLE for row in ROWS]
    asked, all_of_them = (
        {tuple(may(letter, *one) for one in cells) for letter in "vucdment"}
        for cells in (CELLS, every)
    )
    assert len(asked) == len(all_of_them)
