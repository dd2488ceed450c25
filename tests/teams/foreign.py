"""What team B has, one of each kind, in words of its own; and people who are not in B."""

from copy import copy
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import Permission, User
from django.db.models import Model
from django.utils import timezone

from connections import services
from connections.health.services import Call, note_calls
from connections.models import (
    SUFFIX,
    ApiToken,
    Connection,
    ConnectionCheck,
    ConnectionType,
    FormerAlias,
    HostApproval,
    KeyReplacement,
    PackageUpload,
    Profile,
    RevealRecord,
    RevealToken,
    Role,
    SectionTeam,
    ServiceAccount,
    Task,
    TaskPart,
    Team,
    TeamView,
    UndoStep,
)
from connections.standing import MANAGES
from connections.types.services import install_types
from gateway.models import NoticeTarget
from tests.connections.types.manifests import document
from tests.fakes import connect, profile_of
from tests.gateway.records import gone_round, used
from tests.people import person

WORD = r"zqb[a-z]+"  # every word of B
FAR = 7_700_077  # ids that stand in no text by chance
FOR_SHARING = "zqbteam"  # the name of the team, which whoever may share with it must know


@dataclass
class Foreign:
    """The rows of B by the first word of what addresses call them."""

    rows: dict[str, list[Model]]

    @property
    def ids(self) -> dict[str, list[str]]:
        """The ids of B's rows, by kind."""
        return {
            kind: [str(getattr(row, "key", row.pk)) for row in rows]
            for kind, rows in self.rows.items()
        }

    @property
    def aliases(self) -> dict[str, list[str]]:
        """The aliases, names and keys by which B's rows are asked for, by kind."""
        return {
            kind: [row.alias for row in rows if hasattr(row, "alias")]
            for kind, rows in self.rows.items()
        }


@dataclass
class Ours:
    """What is of A and of all, and the people who are not in B."""

    a: Team
    b: Team
    rows: list[Any]
    people: dict[str, User]
    of_b: User
    token: str  # of "nearly all", narrowed to A


def ours() -> Ours:
    """Team A with rows, rows of all, team B without any, and people: a member of A in each role, an
    operator of all in no team, and one with every right but to manage teams.
    """
    a, b = (services.create_team(name, actor=None) for name in ("Red", FOR_SHARING))
    rows: list[Any] = []
    for name, team in (("Own", a), ("Common", None)):
        connection = connect(name=f"{name} account", team=team, tags=["red"])
        profile = profile_of(connection, name=f"{name} answers", team=team)
        check = services.test_connection(connection, actor=None)
        used_by(connection, profile)
        used_by(connection, profile, outcome="ok")  # the first steps are done
        rows += [connection, profile, check]
    people = {role: person(f"red-{role}") for role in Role.values}
    people["nearly all"] = person("nearly", is_staff=True)
    every = Permission.objects.exclude(codename=MANAGES.partition(".")[2])
    people["nearly all"].user_permissions.set(every)
    services.set_member(a, people["nearly all"], Role.ADMINISTRATOR, actor=None)
    for role in Role.values:
        services.set_member(a, people[role], role, actor=None)
    narrow = {"scopes": ["admin"], "team": a}
    _row, token = services.create_token("Red", user=people["nearly all"], actor=None, **narrow)
    people["operator of all"] = person("olga", "Operators")
    of_b = person("zqbperson", "Operators")
    services.set_member(b, of_b, Role.ADMINISTRATOR, actor=None)
    return Ours(a, b, rows, people, of_b, token)


def used_by(connection: Connection, profile: Profile, **changes: Any) -> Any:
    """A request that failed a minute ago, and the failure noted with its connection."""
    at = timezone.now() - timedelta(minutes=1)
    values = {
        "started_at": at,
        "profile_id": profile.pk,
        "profile_alias": profile.alias,
        "connection_id": connection.pk,
        "connection_alias": connection.alias,
        "provider_id": connection.provider_id,
        "model": profile.model,
    } | changes
    note_calls(
        [
            Call(
                connection.pk,
                connection.version,
                profile.model,
                at,
                "unauthorized",
                401,
                f"{profile.model} is refused.",
            )
        ]
    )
    return used(**{"outcome": "unauthorized"} | values)


def foreign(world: Ours) -> Foreign:
    """Gives B everything that there is, made by its own administrator."""
    b, who = world.b, world.of_b
    settings = {"api_key": "$Zqbsection:Zqbkey", "organization": "zqborganization"}
    connection = connect(
        name="zqbname", alias="zqbalias", team=b, tags=["zqbtag"], actor=who, settings=settings
    )
    second = connect(name="zqbsecond", alias="zqbsecond", team=b, actor=who)
    profile = profile_of(
        connection,
        name="zqbprofile",
        alias="zqbprofilealias",
        team=b,
        model="zqbmodel",
        tags=["zqbtag"],
        settings={"system_prompt_template": "zqbprompt"},
        actor=who,
    )
    ConnectionCheck.objects.create(
        connection=connection,
        connection_version=1,
        checked_by=who,
        success=False,
        code="unauthorized",
        message="zqberror",
        asked="GET https://zqbhost.example/",
    )
    now = timezone.now()
    ends = now + timedelta(days=2)
    token = ApiToken.objects.create(
        name="zqbtoken", user=who, prefix="zqbprefix", digest="d", team=b, expires_at=ends
    )
    record = used_by(
        connection,
        profile,
        user_id=who.pk,
        user_name=who.username,
        token_id=token.pk,
        token_name=token.name,
        key=uuid4(),
        request_id="zqbrequest",
        prompt="zqbasked",
        answer="zqbanswered",
    )
    attempts = gone_round(
        started_at=now - timedelta(minutes=2),
        profile_id=profile.pk,
        profile_alias=profile.alias,
        model="zqbmodel",
        user_name=who.username,
        token_name=token.name,
    )
    reveal = RevealToken.objects.create(
        name="zqbflow", user=who, prefix="zqbflowprefix", digest="e", team=b, expires_at=ends
    )
    reveal.connections.add(connection)
    RevealRecord.objects.create(
        token=reveal,
        token_name=reveal.name,
        address="192.0.2.1",
        asked="zqbreference",
        connections=[connection.alias],
        outcome="ok",
    )
    robot = person(f"zqbrobot{SUFFIX}", pk=FAR)
    account = ServiceAccount.objects.create(
        user=robot, team=b, contact="zqbcontact", description="zqbdescription"
    )
    install_types(document(key="zqb.type", label="zqblabel"), actor=None, team=b)
    host = HostApproval.objects.create(
        section="zqbsection", host="zqbhost.example", connection=connection, requested_by=who
    )
    limited = HostApproval.objects.create(
        section="zqbsection",
        host="zqblimited.example",
        connection=world.rows[3],
        team=b,
        state="approved",
    )
    section = SectionTeam.objects.create(pk=FAR + 1, section="zqbsection", team=b)
    former = FormerAlias.objects.create(alias="zqbformer", connection=connection, changed_by=who)
    KeyReplacement.objects.create(
        connection=second,
        fields=["api_key"],
        settings_version=second.settings_version,
        said="zqbsaid",
        due=now.timestamp() + 9999,
        until=ends,
        begun_by=who,
    )
    task = Task.objects.create(user=who, kind="test", total=1, said="zqbtask")
    TaskPart.objects.create(task=task, row_id=connection.pk, name=connection.name)
    target = NoticeTarget.objects.create(
        name="zqbtarget",
        team=b,
        kind="webhook",
        shown="zqbhost.example",
        credentials={"address": "https://zqbhost.example/"},
        last_error="zqbfailed",
    )
    view = TeamView.objects.create(
        pk=FAR, team=b, list_name="connections", name="zqbview", query="q=zqbsought"
    )
    upload = PackageUpload.objects.create(user=who, file_name="zqbfile.json", content=b"{}")
    gone = connect(name="zqbgone", alias="zqbgonealias", team=b, actor=who)
    deleted = copy(gone)
    services.delete_connection(gone, actor=None)
    step = {"names": ["zqbname"], "rows": [], "done_at": now, "until": ends}
    undo = UndoStep.objects.create(user=who, act="changed", kind="connection", **step)
    return Foreign(
        {
            "connection": [connection, second],
            "profile": [profile],
            "token": [token],
            "reveal": [reveal],
            "service": [account],
            "type": [ConnectionType.objects.get(key="zqb.type")],
            "host": [host, limited],
            "section": [section],
            "former": [former],
            "task": [task],
            "usage": [record, attempts],
            "target": [target],
            "view": [view],
            "import": [upload],
            "undo": [undo],
            "team": [b],
            "deleted": [deleted],
        }
    )
