"""Keys that are lost, and keys that could be guessed."""

import secrets
from pathlib import Path

from tests.connections.api.serving import environment

from .load import calling
from .scene import Product, Scene, promise, scene

WEAK = {
    "FERNET_KEYS": ("short", "a" * 40),
    "SECRET_KEY": ("short",),
}


def lost_key(place: Path) -> str:
    """A start with other FERNET_KEYS: rows, pages and calls of what needs no secret go on; what
    needs one says so; nothing is written over, and with the key all is well.
    """
    with scene(place) as one:
        one.office.connect("echo", "echo")
        one.office.profile("echo", "echo", "echo-1")
        before = one.query("SELECT credentials FROM connections_connection ORDER BY alias")
        right = one.product.variables["FERNET_KEYS"]
        restart(one, secrets.token_urlsafe(40))
        refused = one.chat()
        promise(refused.status == 409, f"a call that needs the secret is refused: {refused}")
        promise(refused.code == "undecryptable", f"the refusal names the reason: {refused}")
        echo = one.chat("echo")
        promise(echo.status == 200, f"a call that needs no secret is answered: {echo}")
        listed = one.api("GET", "/connections")
        promise(listed.status == 200, f"connections are listed: {listed}")
        renamed = one.api("PATCH", "/connections/written", {"name": "Renamed without the key"})
        promise(renamed.status == 200, f"a name can be changed: {renamed}")
        told = one.ready()
        promise(told.status == 503, f"readiness refuses: {told}")
        promise("FERNET_KEYS" in told.body["reasons"]["keys"], f"it says why: {told}")
        restart(one, right)
        after = one.query("SELECT credentials FROM connections_connection ORDER BY alias")
        promise(before == after, "what is encrypted is as it was, byte for byte")
        with calling(one) as calls:
            pass
        promise(one.chat().status == 200, "with the key calls are answered again")
        seen = len(before)
    del calls
    return (
        f"{seen} connections as they were, byte for byte; calls that need a secret 409 "
        "undecryptable, others 200, a name can be changed; readiness 503, which names FERNET_KEYS; "
        "with the key calls are answered; lost: nothing"
    )


def restart(one: Scene, keys: str) -> None:
    """Starts the product again, with these keys."""
    one.product.stop()
    one.product.variables |= {"FERNET_KEYS": keys}
    one.product.start(probe="startup")


def weak_keys(place: Path) -> str:
    """A start with a key that could be guessed is refused, with a sentence."""
    said = []
    for name, values in WEAK.items():
        for number, value in enumerate(values):
            variables = environment(f"sqlite:///{place}/weak.sqlite3", **{name: value})
            product = Product(variables, place / f"log-{name}-{number}")
            product.start(is_waited_for=False)
            assert product.process
            code = product.process.wait(60)
            promise(code == 1, f"a start with {name}={value} is refused, not with {code}")
            promise("Traceback" not in product.said, f"it is a sentence: {product.said}")
            promise(name in product.said, f"the sentence names {name}: {product.said}")
            promise(value not in product.said, "the sentence does not show the key")
            said.append(product.said.strip().splitlines()[-1])
    promise(not (place / "weak.sqlite3").exists(), "nothing was made")
    return f"{len(said)} starts refused before the database was touched: {said[0]!r}"


DRILLS = {"lost-key": lost_key, "weak-keys": weak_keys}
