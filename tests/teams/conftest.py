"""Two teams with a member in each role, and a row of each kind of belonging."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from connections import services
from connections.models import Connection, Profile, Role, Team
from tests.fakes import connect, profile_of
from tests.people import person


@dataclass
class Teams:
    """Teams `a` and `b`. `rows`: by how they belong, seen from team a, a connection with its
    profile. `people`: by what they are.
    """

    a: Team
    b: Team
    rows: dict[str, tuple[Connection, Profile]]
    people: dict[str, Any] = field(default_factory=dict)


@pytest.fixture
def teams(fake: Any, administrator: Any) -> Teams:
    """Two teams with rows: of no team, of a, of b, and of b but shared with a in both ways."""
    a, b = (services.create_team(name, actor=None) for name in ("Red", "Blue"))
    rows = {}
    for name, team in (("of all", None), ("own", a), ("foreign", b), ("seen", b), ("used", b)):
        connection = connect(name=f"Connection {name}", team=team)
        rows[name] = (connection, profile_of(connection, name=f"Profile {name}", team=team))
    for level, name in (("see", "seen"), ("use", "used")):
        for row in rows[name]:
            services.share(row, a, level, actor=None)
    people = {role: person(f"{role}-of-red") for role in Role.values}
    for role, one in people.items():
        services.set_member(a, one, role, actor=None)
    people |= {
        "global viewer": person("gv", "Viewers"),
        "global operator": person("go", "Operators"),
        "global administrator": administrator,
        "stranger": person("sten"),
    }
    return Teams(a, b, rows, people)
