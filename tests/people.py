"""The five people of every permission test: three groups as the migration makes them, a signed-in
stranger, and nobody.
"""

from importlib import import_module
from pkgutil import iter_modules

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser, Group, User
from django.db.migrations import RunPython
from django.test import Client

from connections import migrations
from gateway import migrations as gateway_migrations

PASSWORD = "correct-horse-battery"


def person(name: str, group: str = "", **columns: object) -> User:
    """A user, in a group of the migration or in none."""
    user = User.objects.create_user(name, password=PASSWORD, **columns)
    if group:
        user.groups.add(_group(group))
    return user


@pytest.fixture
def roles(db) -> None:
    """The groups of the migrations, for a test that names one and has none of the people."""
    make_groups()


def _group(name: str) -> Group:
    make_groups()
    return Group.objects.get(name=name)


def make_groups() -> None:
    """Makes the groups of the migrations, where there are none."""
    # a test with real transactions empties the tables, and may be before this one
    if not Group.objects.exists():
        for package in (migrations, gateway_migrations):
            for module in sorted(one.name for one in iter_modules(package.__path__)):
                for operation in import_module(f"{package.__name__}.{module}").Migration.operations:
                    if isinstance(operation, RunPython):
                        operation.code(apps, None)


def browser(user: User | AnonymousUser, **options: bool) -> Client:
    """A browser in which this person is signed in."""
    client = Client(**options)
    if user.is_authenticated:
        client.force_login(user)
    return client


@pytest.fixture
def administrator(db) -> User:
    return person("ada", "Administrators", is_staff=True)


@pytest.fixture
def operator(db) -> User:
    return person("olaf", "Operators")


@pytest.fixture
def viewer(db) -> User:
    return person("vera", "Viewers")


@pytest.fixture
def stranger(db) -> User:
    """Signed in, in no group."""
    return person("sten")


@pytest.fixture
def nobody() -> AnonymousUser:
    return AnonymousUser()


@pytest.fixture
def people(administrator, operator, viewer, stranger, nobody) -> dict[str, User | AnonymousUser]:
    """All five, by what they are."""
    return {
        "administrator": administrator,
        "operator": operator,
        "viewer": viewer,
        "stranger": stranger,
        "nobody": nobody,
    }
