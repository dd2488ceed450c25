"""Many people who sign in at once: `python -m bench.signin`, on the database that DATABASE_URL
names.

A thousand sign-ins a minute come from as many addresses, as through a proxy (X-Forwarded-For), each
with the whole hash of a password, to two workers. Beside them `/health/live` is asked every 50 ms,
and the gateway ten times a second. What is printed should be: no answer of `/health/live` took
100 ms, each call of the gateway was answered, and who was not let in was told when to come again.
"""

import http.client
import os
import re
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

from .api import server
from .load import body
from .processes import cpu

SECONDS = float(os.environ.get("BENCH_SECONDS", "60"))
SIGN_INS, PROBE_EVERY, CALL_EVERY, HANDS, PEOPLE = 1000 / 60, 0.05, 0.1, 64, 50
PASSWORD = "correct-horse-battery"
CSRF = re.compile(rb'name="csrfmiddlewaretoken" value="([^"]+)"')


def prepare() -> tuple[str, str]:
    """People with passwords, and a profile of Echo. Returns a token and the profile."""
    import django

    django.setup()
    from django.contrib.auth.hashers import make_password
    from django.contrib.auth.models import User
    from django.core.management import call_command

    from connections import services

    call_command("migrate", verbosity=0)
    hashed, number = make_password(PASSWORD), time.time_ns()
    people = [User(username=f"p{number}-{one}", password=hashed) for one in range(PEOPLE)]
    User.objects.bulk_create(people)
    made = services.create_connection("echo", actor=None, name=f"Echo {number}", settings={}).row
    alias = f"bench-{number}"
    services.create_profile(
        made, actor=None, capability="Chat", name="Bench", alias=alias, model="echo-1"
    )
    user = User.objects.get_or_create(username="signin", is_superuser=True)[0]
    token = services.create_token("signin", user=user, actor=None, scopes=["admin"])[1]
    NAMES.extend(one.username for one in people)
    return token, alias


NAMES: list[str] = []


class Asked:
    """Requests at a steady rate, their statuses and times; a status of 0 got no answer."""

    def __init__(self, every: float, act: Callable[[int], int], hands: int) -> None:
        self.every, self.act, self.hands = every, act, hands
        self.statuses: Counter[int] = Counter()
        self.times: list[float] = []

    def once(self, number: int) -> None:
        """One of them."""
        began = time.perf_counter()
        try:
            status = self.act(number)
        except (OSError, http.client.HTTPException):
            status = 0
        self.times.append(time.perf_counter() - began)
        self.statuses[status] += 1

    def run(self, until: float) -> None:
        """Asks until then."""
        due, number = time.perf_counter(), 0
        with ThreadPoolExecutor(self.hands) as pool:
            while (now := time.perf_counter()) < until:
                if now < due:
                    time.sleep(due - now)
                pool.submit(self.once, number)
                due, number = due + self.every, number + 1

    def told(self) -> str:
        """The times in milliseconds, and the statuses."""
        times = sorted(one * 1000 for one in self.times) or [0.0]
        p99 = times[int(len(times) * 0.99)]
        return (
            f"{len(self.times):6} asked, median {statistics.median(times):8.1f} ms, p99 "
            f"{p99:8.1f} ms, most {times[-1]:8.1f} ms, statuses {dict(self.statuses)}"
        )


def sign_in(port: int, number: int) -> int:
    """Opens the page of sign-in and sends a password, right or wrong in turn."""
    address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        line.request("GET", "/sign-in/", headers={"X-Forwarded-For": address})
        answer = line.getresponse()
        found, cookie = CSRF.search(answer.read()), answer.headers["Set-Cookie"] or ""
        if found is None:
            return int(answer.status)
        secret = PASSWORD if number % 2 else f"wrong {number}"
        names = {"username": NAMES[number % PEOPLE], "password": secret}
        form = urlencode(names | {"csrfmiddlewaretoken": found[1].decode()})
        headers = {"X-Forwarded-For": address, "Cookie": cookie.partition(";")[0]}
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        line.request("POST", "/sign-in/", form, headers)
        answer = line.getresponse()
        answer.read()
        return int(answer.status)
    finally:
        line.close()


def get(port: int, path: str) -> int:
    """The status of a page."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        line.request("GET", path)
        answer = line.getresponse()
        answer.read()
        return int(answer.status)
    finally:
        line.close()


def call(port: int, content: Any, headers: dict[str, str]) -> int:
    """The status of a call through the gateway."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        line.request("POST", "/v1/chat/completions", content, headers)
        answer = line.getresponse()
        answer.read()
        return int(answer.status)
    finally:
        line.close()


def main() -> None:
    """Prints what came of the drill."""
    token, profile = prepare()
    content = body(False, profile)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with server(TRUSTED_PROXIES="1") as running:
        port = running.port
        parts = {
            "sign-ins": Asked(1 / SIGN_INS, lambda number: sign_in(port, number), HANDS),
            "/health/live": Asked(PROBE_EVERY, lambda _: get(port, "/health/live"), 4),
            "the gateway": Asked(CALL_EVERY, lambda _: call(port, content, headers), 8),
        }
        get(port, "/sign-in/")
        before, until = cpu(running.pid) or 0.0, time.perf_counter() + SECONDS
        threads = [threading.Thread(target=one.run, args=(until,)) for one in parts.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        used = (cpu(running.pid) or 0.0) - before
    for name, one in parts.items():
        print(f"{name:14}{one.told()}", flush=True)
    print(f"the server took {used / SECONDS:.2f} of a processor")


if __name__ == "__main__":
    main()
