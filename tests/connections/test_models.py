"""The rows, the groups of the migration, and the read side."""

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command

from connections import listing, selectors, services
from connections.models import Connection
from tests.fakes import OLDER_KEY, connect, profile_of, reload
from tests.people import person

pytestmark = [pytest.mark.django_db, pytest.mark.server]

SEE = {
    "connections.view_connection",
    "connections.view_profile",
    "connections.view_connectioncheck",
    "connections.view_defaultprofile",
}
WORK = SEE | {
    f"connections.{verb}_{thing}"
    for verb in ("add", "change", "toggle")
    for thing in ("connection", "profile")
}
WORK |= {"connections.test_connection", "connections.use_profile", "gateway.view_usagerecord"}
RULE = WORK | {"connections.delete_connection", "connections.delete_profile"}
RULE |= {
    "connections.change_defaultprofile",
    *(f"connections.{verb}_apitoken" for verb in ("view", "add", "delete")),
    *(f"connections.{verb}_serviceaccount" for verb in ("view", "add", "change", "delete")),
    *(f"connections.{verb}_trustedissuer" for verb in ("view", "add", "change", "delete")),
}
RULE |= {
    "connections.view_revealrecord",
    *(f"connections.{verb}_revealtoken" for verb in ("view", "add", "delete")),
}
RULE |= {
    "connections.approve_host",
    "connections.change_alias",
    "connections.export_secrets",
    "connections.manage_teams",
    "connections.view_auditevent",
    *(f"connections.{verb}_connectiontype" for verb in ("view", "add", "delete")),
}
RULE |= {"gateway.delete_usagerecord"}
RULE |= {f"gateway.{verb}_noticetarget" for verb in ("view", "add", "change", "delete")}
RULE |= {
    f"auth.{verb}_{thing}"
    for verb in ("view", "add", "change", "delete")
    for thing in ("user", "group")
}


@pytest.mark.parametrize(
    ("who", "may"),
    [
        ("viewer", SEE),
        ("operator", WORK),
        ("administrator", RULE),
        ("stranger", set()),
        ("nobody", set()),
    ],
)
def test_the_groups_of_the_migration_have_these_permissions(people: dict, who: str, may: set[str]):
    assert people[who].get_all_permissions() == may


def test_there_are_three_groups(viewer):
    assert set(Group.objects.values_list("name", flat=True)) == {
        "Viewers",
        "Operators",
        "Administrators",
    }


def test_no_migration_is_missing():
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_a_new_provider_needs_no_migration(fake):
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_a_list_is_cut_sorted_and_never_decrypts(fake, settings):
    connect(name="B"), connect(name="A")
    settings.FERNET_KEYS = [OLDER_KEY]
    assert [row.name for row in listing.connections({})] == ["A", "B"]


@pytest.mark.parametrize("tag", ["eu", "größe", "o'clock", "two words"])
def test_a_tag_finds_its_connections_on_every_database(fake, tag: str):
    tagged = connect(name="Tagged", tags=[tag, "x"])
    connect(name="Other", tags=["europe", "größer", "words"])
    assert list(listing.connections({"tag": tag})) == [tagged]


def test_references_are_gathered_with_their_users(fake):
    connect(name="One", settings={"api_key": "$Fake:ApiKey"})
    connect(name="Two", settings={"api_key": "$fake:apikey", "organization": "$Fake:Organization"})
    uses = {
        use.resolution.reference: [alias for _, _, alias, _ in use.uses]
        for use in selectors.reference_uses()
    }
    assert uses == {"$Fake:ApiKey": ["one", "two"], "$Fake:Organization": ["two"]}


def test_the_dashboard_counts(fake, settings):
    services.set_active(connect(name="Off"), False, actor=None)
    profile_of(connect(name="On", settings={"api_key": "$Fake:ApiKey"}))
    dashboard = selectors.dashboard()
    assert (dashboard.connections, dashboard.active, dashboard.profiles) == (2, 1, 1)


def test_profiles_move_to_active_connections_that_can_serve_them(connection: Connection):
    profile_of(connection)
    other, off = (
        connect(name="Other"),
        services.set_active(connect(name="Off"), False, actor=None).row,
    )
    targets = selectors.move_targets(connection)
    assert other in targets and off not in targets and connection not in targets


def test_a_row_is_called_by_its_name(connection: Connection):
    assert (str(connection), str(reload(connection))) == ("Production", "Production")


@pytest.mark.django_db(transaction=True)
def test_the_people_are_there_after_the_tables_were_emptied():
    call_command("flush", interactive=False, verbosity=0)
    assert person("olga", "Operators").get_all_permissions() == WORK
