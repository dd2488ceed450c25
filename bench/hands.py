"""Many hands on the same rows: `python -m bench.hands`, on the database that DATABASE_URL names.

300 connections and 100 profiles; three clients switch connections on and off, one plans and imports
the installation's own export, one applies promptflow's files, one moves profiles and encrypts anew,
one installs the next version of a type that connections have, one adds and deletes connections, all
at once for two minutes. What is printed should be: no 500, no answer that a
caller has to repeat, every switch within a second, every row as its last writer left it.
"""

import json
import os
import random
import statistics
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any

from .api import server
from .rows import fill

CONNECTIONS, PROFILES, FILES, HANDS = 300, 100, 40, 3
SECONDS = float(os.environ.get("BENCH_SECONDS", "120"))
PASSPHRASE = "correct horse battery staple"


@dataclass
class Seen:
    """What callers saw. `acts`: by their name, how each ended; `times`: seconds of each.

    `switched`: for each switch that was confirmed, id, version and state.
    """

    acts: dict[str, Counter[str]] = field(default_factory=dict)
    times: dict[str, list[float]] = field(default_factory=dict)
    switched: list[tuple[str, int, bool]] = field(default_factory=list)

    def note(self, act: str, ended: str, seconds: float) -> None:
        """Counts one act."""
        self.acts.setdefault(act, Counter())[ended] += 1
        self.times.setdefault(act, []).append(seconds)


def prepare() -> tuple[str, list[str], bytes]:
    """Fills the database. Returns a token, the ids of the connections, and their export."""
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command

    from connections import services
    from connections.models import Connection, Profile
    from connections.packages.services import export_package

    call_command("migrate", verbosity=0)
    Profile.objects.all().delete()
    Connection.objects.all().delete()
    fill(0, CONNECTIONS)
    Profile.objects.exclude(pk__in=Profile.objects.order_by("alias")[:PROFILES]).delete()
    user = User.objects.get_or_create(username="hands", is_superuser=True)[0]
    token = services.create_token("hands", user=user, actor=None, scopes=["admin"])[1]
    rows = list(Connection.objects.order_by("alias"))
    profiles = list(Profile.objects.order_by("alias"))
    content = export_package(rows, profiles, actor=None, passphrase=PASSPHRASE)
    return token, [str(row.pk) for row in rows], content


def asked(port: int, method: str, path: str, body: bytes, headers: dict[str, str]) -> Any:
    """One request: status and the bytes of the body."""
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def switch(port: int, token: str, ids: list[str], seen: Seen) -> None:
    """Switches one connection."""
    pk, wanted = random.choice(ids), random.random() < 0.5
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    body = json.dumps({"isActive": wanted}).encode()
    began = time.perf_counter()
    status, answer = asked(port, "PATCH", f"/api/v1/connections/{pk}", body, headers)
    seen.note("switch", str(status), time.perf_counter() - began)
    if status == 200:
        seen.switched.append((pk, json.loads(answer)["version"], wanted))


def send(port: int, token: str, content: bytes, seen: Seen, dry: bool) -> None:
    """Plans or imports the package."""
    edge = uuid.uuid4().hex
    parts = {"onConflict": "replace", "passphrase": PASSPHRASE}
    body = b"".join(
        f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in parts.items()
    )
    file = 'Content-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\n'
    body += f"--{edge}\r\n{file}".encode() + content + f"\r\n--{edge}--\r\n".encode()
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": f"multipart/form-data; boundary={edge}",
    }
    path = f"/api/v1/packages/import?dryRun={str(dry).lower()}"
    began = time.perf_counter()
    status, _ = asked(port, "POST", path, body, headers)
    seen.note("plan" if dry else "import", str(status), time.perf_counter() - began)


def apply(turn: int, seen: Seen) -> None:
    """Applies promptflow's files, the dry run first."""
    from connections.promptflow.format.documents import read_document
    from connections.promptflow.services import apply_documents

    files = [
        (
            f"{number}.yaml",
            read_document({"type": "serp", "name": f"hand-{number}", "api_key": f"key-{turn}"}),
        )
        for number in range(FILES)
    ]
    for dry in (True, False):
        within(
            "dry apply" if dry else "apply",
            seen,
            lambda dry=dry: apply_documents(
                files, actor=None, label="hands", dry_run=dry, prune=True
            ),
        )


def rotate(seen: Seen) -> None:
    """Moves profiles to and fro, and encrypts anew."""
    from connections import services
    from connections.models import Connection

    one, other = Connection.objects.filter(provider_id="openai").order_by("?")[:2]
    within("move", seen, lambda: services.move_profiles(one, other, actor=None))
    within("rotate", seen, services.rotate_credentials)
    time.sleep(0.2)


TYPE = """\
key: hands
version: {version}
label: Hands
variants: [{{key: cloud, label: Cloud, base_url: "https://api.example.com"}}]
fields: [{{key: token, kind: secret}}, {{key: note, required: false, label: "Note {version}"}}]
auth: {{use: bearer, token: "{{token}}"}}
test: {{cost: free, request: {{path: /me}}, ok: [200]}}
"""


def install(version: int) -> None:
    """Installs this version of a type, and makes its connections."""
    from connections import services
    from connections.models import Connection
    from connections.types.services import install_type

    install_type(TYPE.format(version=version), actor=None)
    for number in range(20 - Connection.objects.filter(provider_id="hands").count()):
        settings = {"variant": "cloud", "token": f"token-{number}"}
        services.create_connection("hands", actor=None, name=f"H {number}", settings=settings)


def delete(turn: int) -> None:
    """Adds a connection of the type and deletes it, and one of the others with its profiles."""
    from connections import services
    from connections.models import Connection, Profile

    settings = {"variant": "cloud", "token": "token"}
    made = services.create_connection("hands", actor=None, name=f"D {turn}", settings=settings).row
    services.delete_connection(made, actor=None)
    if turn % 10 == 0:
        row = Connection.objects.filter(provider_id="openai").order_by("?")[0]
        for profile in Profile.objects.filter(connection=row):
            services.delete_profile(profile, actor=None)
        services.delete_connection(row, actor=None)
    time.sleep(0.1)


def within(act: str, seen: Seen, call: Callable[[], Any]) -> None:
    """Calls a service in this process."""
    began, ended = time.perf_counter(), "done"
    try:
        call()
    except Exception as error:  # noqa: BLE001 whatever a caller sees is counted
        ended = f"{type(error).__name__}: {str(error)[:80]}"
    seen.note(act, ended, time.perf_counter() - began)


def repeated(until: float, act: Callable[[int], None]) -> threading.Thread:
    """A thread that acts again and again, with the number of the turn."""

    def turns() -> None:
        from django.db import connections

        turn = 0
        while time.perf_counter() < until:
            turn += 1
            act(turn)
        connections.close_all()

    thread = threading.Thread(target=turns)
    thread.start()
    return thread


def wrong_rows(seen: Seen) -> list[str]:
    """The rows that are not as their last writer left them, and the switches that got lost."""
    from connections.models import Connection, Profile

    found = []
    records = Connection.history.values_list("id", "version", "is_active")
    states = {(str(pk), version): state for pk, version, state in records}
    # an import brings them back with versions from 1
    gone = set(Connection.history.filter(history_type="-").values_list("id", flat=True))
    for pk, version, wanted in seen.switched:
        if version > 1 and uuid.UUID(pk) not in gone and states.get((pk, version)) is not wanted:
            found.append(f"{pk} was switched {wanted} in version {version}, which is not so")
    for model in (Connection, Profile):
        last: dict[Any, Any] = {}
        numbers: Counter[Any] = Counter()
        gone = set(model.history.filter(history_type="-").values_list("id", flat=True))
        for record in model.history.exclude(id__in=gone).order_by("history_id"):
            last[record.id] = record
            numbers[record.id, record.version] += record.history_type != "-"
        found += [f"{key} was written twice" for key, number in numbers.items() if number > 1]
        for row in model.objects.all():
            columns = ("version", "is_active", "name", "settings")
            if row.pk in last and any(
                getattr(row, one) != getattr(last[row.pk], one) for one in columns
            ):
                found.append(f"{row.pk} is not as its last version")
    return found


def deadlocks() -> int | None:
    """The deadlocks that PostgreSQL has counted in this database."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def main() -> None:
    """Prints what callers saw."""
    token, ids, content = prepare()
    install(1)
    seen, before = Seen(), deadlocks()
    with server() as running:
        port = running.port
        for _ in range(8):  # both workers are warm
            switch(port, token, ids, Seen())
            send(port, token, content, Seen(), dry=True)
        until = time.perf_counter() + SECONDS
        threads = [repeated(until, lambda _: switch(port, token, ids, seen)) for _ in range(HANDS)]
        threads.append(
            repeated(until, lambda turn: send(port, token, content, seen, dry=turn % 2 == 0))
        )
        threads.append(repeated(until, lambda turn: apply(turn, seen)))
        threads.append(repeated(until, lambda _: rotate(seen)))
        threads.append(
            repeated(until, lambda turn: within("type", seen, lambda: install(turn + 1)))
        )
        threads.append(repeated(until, lambda turn: within("delete", seen, lambda: delete(turn))))
        for one in threads:
            one.join()
    for act, ended in seen.acts.items():
        times = sorted(seen.times[act])
        print(
            f"{act:<12}{len(times):>6} times, median {statistics.median(times) * 1000:>7.0f} ms, "
            f"most {times[-1] * 1000:>7.0f} ms: "
            + ", ".join(f"{number} {how}" for how, number in ended.most_common())
        )
    wrong = wrong_rows(seen)
    counted = "" if before is None else f", {(deadlocks() or 0) - before} deadlocks in PostgreSQL"
    print(f"{len(wrong)} rows or switches that are not as they should be{counted}", *wrong[:5])


if __name__ == "__main__":
    main()
