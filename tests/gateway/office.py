"""Another process on the server's database, as the pages and commands of another host are: it
changes rows while the server runs.

with office(variables) as there: there.connect("shop", base_url=...); at =
there.switch_connection("shop", on=False)

`python -m tests.gateway.office` is that process: what to do on stdin, one JSON a line, what came of
it on stdout.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.connections.api.serving import ROOT

# what the services know; nobody who asks the gateway may ever see it
KEY = "sk-upstream-5b1e7c90aa42f6d3"
USER = "olaf"


class Refused(Exception):
    """What a service raised over there."""


class Office:
    """This side: every function below is a method.

    A change gives the moment (time.monotonic) at which it was committed.
    """

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            assert self._process.stdin and self._process.stdout
            self._process.stdin.write(json.dumps([name, arguments, named]) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
            assert line, "The other process has ended; what it says is above."
            answer = json.loads(line)
            if "error" in answer:
                raise Refused(answer["error"])
            return answer["value"]

        return call


@contextmanager
def office(variables: dict[str, str]) -> Iterator[Office]:
    """The other process, until the block ends. The database's tables and people are there then."""
    command = [sys.executable, "-m", "tests.gateway.office"]
    variables = {
        **variables,
        "LOG_LEVEL": "WARNING",
        "DJANGO_SETTINGS_MODULE": "backoffice.settings",
    }
    with subprocess.Popen(
        command, cwd=ROOT, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Office(process)
        finally:
            process.stdin.close()  # type: ignore[union-attr]


# The other side


def connect(
    alias: str, provider: str = "openai-compatible", is_active: bool = True, **settings: Any
) -> str:
    """A saved connection."""
    from connections import services

    made = services.create_connection(
        provider, actor=None, name=alias, alias=alias, settings=settings, is_active=is_active
    )
    return str(made.row.pk)


def profile(
    alias: str,
    connection: str,
    model: str,
    capability: str = "Chat",
    fallbacks: tuple[str, ...] = (),
    **settings: Any,
) -> dict[str, str]:
    """A saved profile of a connection, both by alias."""
    from connections import services

    chain = [_profile(one) for one in fallbacks]
    values = {
        "capability": capability,
        "name": alias,
        "alias": alias,
        "model": model,
        "settings": settings,
        "fallbacks": chain,
    }
    row = services.create_profile(_connection(connection), actor=None, **values).row
    return {"id": str(row.pk)}


def change_connection(alias: str, **settings: Any) -> float:
    """Edits settings, as a merge."""
    from connections import services

    services.update_connection(_connection(alias), actor=None, settings=settings, merge=True)
    return time.monotonic()


def replace_key(alias: str, key: str) -> float:
    """Replaces a key without a test that passed."""
    from connections.replacement.services import replace_key as replaced

    replaced(_connection(alias), {"api_key": key}, actor=None, anyway=True)
    return time.monotonic()


def replacement(alias: str) -> dict[str, Any]:
    """How the last replacement of a key stands, and the version of its connection."""
    from connections.replacement.services import replacement_of

    row = _connection(alias)
    found = replacement_of(row)
    return {"state": found.state, "said": found.said, "version": row.version}


def switch_connection(alias: str, on: bool) -> float:
    from connections import services

    services.set_active(_connection(alias), on, actor=None)
    return time.monotonic()


def switch_profile(alias: str, on: bool) -> float:
    from connections import services

    services.set_profile_active(_profile(alias), on, actor=None)
    return time.monotonic()


def rename(alias: str, new: str) -> float:
    """Gives a profile another alias."""
    from connections import services

    services.change_alias(_profile(alias), new, actor=None)
    return time.monotonic()


def take_away(alias: str) -> float:
    """Takes a former alias of a profile away."""
    from connections import services
    from connections.models import FormerAlias

    services.remove_former_alias(FormerAlias.objects.get(alias=alias), actor=None)
    return time.monotonic()


def alias_uses(alias: str) -> list[str]:
    """Who asked by a former alias of a profile."""
    from connections.models import AliasUse

    return list(
        AliasUse.objects.filter(former_alias__alias=alias).values_list("used_by", flat=True)
    )


def move(alias: str, connection: str) -> float:
    """Puts a profile on another connection, whatever that is like."""
    return spoil("profile", alias, connection_id=_connection(connection).pk)


def delete_profile(alias: str) -> float:
    from connections import services

    services.delete_profile(_profile(alias), actor=None)
    return time.monotonic()


def make_default(capability: str, alias: str | None) -> float:
    from connections import services

    services.set_default_profiles({capability: _profile(alias) if alias else None}, actor=None)
    return time.monotonic()


def token(user: str = USER, scopes: tuple[str, ...] = ("gateway:use",), **limits: Any) -> str:
    """The text of a new token."""
    from connections import services

    return services.create_token("test", user=_user(user), actor=None, scopes=scopes, **limits)[1]


def trust(issuer: str, name: str, **values: Any) -> str:
    """Trusts an issuer, with one rule for tokens with `sub` ci, as a service account of operators.
    The id of the rule. `values`: of the rule.
    """
    from django.contrib.auth.models import Group

    from backoffice.people.service_accounts.services import add_service_account
    from connections.workloads import services

    role = Group.objects.get(name="Operators")
    account = add_service_account(name, role=role, contact="us", actor=None)
    row = services.create_issuer(
        actor=None, name=name, issuer=issuer, audiences=["https://switchboard.example"]
    )
    usual = {"name": "deploy", "conditions": {"sub": "ci"}, "scopes": ["gateway:use"]}
    return str(services.create_rule(row, actor=None, account=account, **(usual | values)).pk)


def switch_issuer(name: str, on: bool) -> float:
    from connections.models import TrustedIssuer
    from connections.workloads import services

    row = TrustedIssuer.objects.get(name=name)
    services.change_issuer(row, {"is_active": on}, actor=None)
    return time.monotonic()


def switch_rule(pk: str, on: bool) -> float:
    from connections.models import IssuerRule
    from connections.workloads import services

    services.change_rule(IssuerRule.objects.get(pk=pk), {"is_active": on}, actor=None)
    return time.monotonic()


def age_keys(name: str) -> None:
    """Lets two minutes pass since the keys of an issuer were asked for."""
    from datetime import timedelta

    from django.utils import timezone

    from connections.models import TrustedIssuer

    then = timezone.now() - timedelta(minutes=2)
    TrustedIssuer.objects.filter(name=name).update(keys_tried_at=then, keys_fetched_at=then)


def token_id(text: str) -> str:
    return str(_token(text).pk)


def revoke(text: str) -> float:
    from connections import services

    services.revoke_token(_token(text), actor=None)
    return time.monotonic()


def expire(text: str) -> float:
    """Lets a token end now."""
    from django.utils import timezone

    row = _token(text)
    row.expires_at = timezone.now()
    row.save()
    return time.monotonic()


def person(name: str, group: str = "Operators") -> None:
    """A user, in a group or in none."""
    from django.contrib.auth.models import Group, User

    user = User.objects.create_user(name)
    if group:
        user.groups.add(Group.objects.get(name=group))


def switch_user(name: str, on: bool) -> float:
    user = _user(name)
    user.is_active = on
    user.save()
    return time.monotonic()


def leave_groups(name: str) -> float:
    _user(name).groups.clear()
    return time.monotonic()


def spoil(table: str, alias: str, **columns: Any) -> float:
    """Writes columns past every service, as an older version or a person with a database client
    would.
    """
    from connections.change_counter import bump_change_counter
    from connections.models import Connection, Profile

    rows = {"connection": Connection, "profile": Profile}[table].objects.filter(alias=alias)
    if "settings" in columns:
        columns["settings"] = rows.get().settings | columns["settings"]
    rows.update(**columns)
    bump_change_counter()
    return time.monotonic()


def spoil_credentials(alias: str) -> float:
    """The credentials of a connection as they are when their key is lost."""
    from cryptography.fernet import Fernet
    from django.db import connection as database

    from connections.change_counter import bump_change_counter

    lost = Fernet(Fernet.generate_key()).encrypt(b'{"api_key": "lost"}')
    with database.cursor() as cursor:
        cursor.execute(
            "UPDATE connections_connection SET credentials = %s WHERE alias = %s", [lost, alias]
        )
    bump_change_counter()
    return time.monotonic()


def records(**wanted: Any) -> list[dict[str, Any]]:
    """Usage records, the oldest first."""
    from gateway.models import UsageRecord

    return _plain(UsageRecord.objects.filter(**wanted).order_by("pk").values())


def refusals(text: str) -> list[dict[str, Any]]:
    """The events of a token that was refused."""
    from connections.models import AuditEvent

    rows = AuditEvent.objects.filter(action="api_token.use", object_id=token_id(text))
    return _plain(rows.values())


def events(request_id: str) -> list[dict[str, Any]]:
    """The events of a request in the audit."""
    from connections.models import AuditEvent

    return _plain(AuditEvent.objects.filter(request_id=request_id).values("action", "actor_name"))


def attempts(key: str) -> list[dict[str, Any]]:
    """The attempts of a usage record, in their order."""
    from gateway.models import UsageAttempt

    return _plain(UsageAttempt.objects.filter(record_key=key).values())


def _plain(rows: Any) -> list[dict[str, Any]]:
    return [
        {
            name: value if isinstance(value, int | None) else str(value)
            for name, value in row.items()
        }
        for row in rows
    ]


def health_of_profile(alias: str, with_fallbacks: bool = False) -> dict[str, Any]:
    """The state, the code and the number of failures of a profile's model, or of the profile."""
    from connections.health.services import model_health, profile_health

    row = _profile(alias)
    found = profile_health(row) if with_fallbacks else model_health(row.connection, row.model)
    return {"state": found.state, "code": found.code, "failures": found.failures}


def wake(alias: str) -> float:
    """Ends the cool-downs of a connection and of its models, as time does."""
    from gateway.models import Cooldown, ModelCooldown

    for table in (Cooldown, ModelCooldown):
        table.objects.filter(connection_id=_connection(alias).pk).delete()
    return time.monotonic()


def resting(alias: str) -> dict[str, Any] | None:
    """The cool-down of a connection or of one of its models: seconds that are left, its code, and
    the model, empty for all.
    """
    from django.utils import timezone

    from gateway.models import Cooldown, ModelCooldown

    pk = _connection(alias).pk
    row: Any = Cooldown.objects.filter(connection_id=pk).first()
    row = row or ModelCooldown.objects.filter(connection_id=pk).first()
    return row and {
        "seconds": (row.until - timezone.now()).total_seconds(),
        "code": row.code,
        "model": getattr(row, "model", ""),
    }


def spend(text: str, tokens: int) -> None:
    """Lets a token have spent some of today."""
    from django.utils import timezone

    from gateway.core.token_counts import add_tokens

    add_tokens(_token(text).pk, timezone.now().date(), tokens)


def counts(text: str) -> list[int]:
    """What is counted for a token."""
    from gateway.models import TokenCount

    return list(TokenCount.objects.filter(token_id=_token(text).pk).values_list("count", flat=True))


def everything() -> str:
    """All that the database holds, as text."""
    from django.db import connection as database

    found = []
    with database.cursor() as cursor:
        for table in database.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')
            found += [
                repr([bytes(one) if isinstance(one, memoryview) else one for one in row])
                for row in cursor.fetchall()
            ]
    return "\n".join(found)


def _connection(alias: str) -> Any:
    from connections.models import Connection

    return Connection.objects.get(alias=alias)


def _profile(alias: str) -> Any:
    from connections.models import Profile

    return Profile.objects.get(alias=alias)


def _user(name: str) -> Any:
    from django.contrib.auth.models import User

    return User.objects.get(username=name)


def _token(text: str) -> Any:
    from connections.models import ApiToken

    return ApiToken.objects.get(prefix=text[:11])


def main() -> None:
    """Prepares the database, then does what stdin says until it ends."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection as database

    if not database.introspection.table_names():
        call_command("migrate", verbosity=0)
    person(USER)
    known = {
        name: one for name, one in globals().items() if callable(one) and not name.startswith("_")
    }
    for line in sys.stdin:
        name, arguments, named = json.loads(line)
        try:
            answer = {"value": known[name](*arguments, **named)}
        except Exception as error:  # noqa: BLE001 told on the other side
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
