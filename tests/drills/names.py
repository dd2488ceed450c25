"""The resolver of host names is away, or says nothing."""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.gateway.office import KEY

from .load import Calls, calling
from .scene import Broken, Scene, ask, eventually, promise, scene

RESOLVER = "127.0.0.77"
ZONE = "drill.test"
OWN_NAMES = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"'
A, REFUSED_BITS, ANSWER_BITS = 1, 0x8182, 0x8180  # the second of RFC 1035's words: SERVFAIL, good
LONGEST = 35.0  # seconds until a call to a host whose name nobody knows has ended


class Resolver:
    """Answers every question with 127.0.0.1, with a failure, or not at all."""

    def __init__(self) -> None:
        self.mode = "good"
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((RESOLVER, 53))

    def serve(self) -> None:
        with suppress(OSError):  # closed
            while True:
                question, client = self.socket.recvfrom(2048)
                if self.mode != "silent":
                    self.socket.sendto(self.answer(question), client)

    def answer(self, question: bytes) -> bytes:
        """One answer to an A question; to others that there is nothing."""
        end = question.index(b"\0", 12) + 5
        (kind,) = struct.unpack("!H", question[end - 4 : end - 2])
        is_found = self.mode == "good" and kind == A
        bits = ANSWER_BITS if self.mode == "good" else REFUSED_BITS
        head = question[:2] + struct.pack("!HHHHH", bits, 1, int(is_found), 0, 0)
        row = b"\xc0\x0c" + struct.pack("!HHIH", A, 1, 0, 4) + socket.inet_aton("127.0.0.1")
        return head + question[12:end] + (row if is_found else b"")


@contextmanager
def resolver() -> Iterator[Resolver]:
    """A resolver at RESOLVER until the block ends."""
    try:
        made = Resolver()
    except OSError as error:
        raise Broken(f"port 53 of {RESOLVER} is free, and this is root: {error}") from None
    threading.Thread(target=made.serve, daemon=True).start()
    try:
        yield made
    finally:
        made.socket.close()


def names_away(place: Path) -> str:
    """First the resolver fails at once, then it says nothing."""
    names = place / "resolv.conf"
    names.write_text(f"nameserver {RESOLVER}\n")
    with resolver() as known, scene(place) as one:
        one.product.stop()
        one.product.start(before=("unshare", "-m", "sh", "-c", OWN_NAMES, "sh", str(names)))
        for alias in ("warm", "cold"):
            address = f"http://{alias}.{ZONE}:{one.upstream.port}/v1"
            one.office.connect(alias, base_url=address, api_key=KEY, max_retries=0)
            one.office.profile(alias, alias, "words")
        said = []
        for mode in ("failing", "silent"):
            known.mode = "good"
            eventually(lambda: one.chat("warm").status == 200, 20, "a call by name is answered")
            many(one, "warm", 40)  # each worker has an open connection then
            known.mode = mode
            said.append(f"{mode}: {away(one)}")
        known.mode = "good"
        found = one.chat("cold")
        promise(found.status == 200, f"with the resolver a call by name is answered: {found}")
    return "; ".join(said) + "; lost: the calls to names that nobody knew"


def away(one: Scene) -> str:
    """What callers see while names are not known."""
    with calling(one) as by_address, calling(one, "warm", 1) as pooled:
        cold = many(one, "cold", 12)
        lives = [live(one) for _ in range(5)]
        time.sleep(1)
    promise(not by_address.bad, f"calls by address are answered: {by_address}")
    promise(not pooled.bad, f"calls on connections that are open are answered: {pooled}")
    promise(
        {answer.code for answer in cold.answers} == {"dns"},
        f"calls by a name that nobody knows say dns: {cold}",
    )
    promise(cold.slowest < LONGEST, f"they end within {LONGEST:g} s: {cold.slowest:.1f} s")
    promise(max(lives) < 2, f"/health/live answers: {max(lives):.1f} s")
    return (
        f"by address {by_address}, slowest {by_address.slowest:.2f} s; on open connections "
        f"{pooled}; by name {cold}, slowest {cold.slowest:.1f} s"
    )


def many(one: Scene, model: str, number: int) -> Calls:
    """As many calls at once."""
    calls = Calls()
    threads = [
        threading.Thread(target=lambda: calls.answers.append(one.chat(model, wait=60)))
        for _ in range(number)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return calls


def live(one: Scene) -> float:
    """Seconds of one look at /health/live."""
    answer = ask(f"{one.product.url}/health/live")
    promise(answer.status == 200, f"/health/live answers: {answer}")
    return answer.seconds


DRILLS = {"names-away": names_away}
