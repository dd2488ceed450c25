"""The program that hands one message to Apprise: `python -m gateway.notices.apprise_program`.

A process of its own, because Apprise's plugins ask hosts with clients that we cannot guard one by
one, and some wait for ever. In here every look-up, every connection and every file is judged by an
audit hook (docs.python.org/3/library/sys.html, addaudithook), and whoever started it ends it.

It reads {"url", "allow", "private", and a message: "title", "body", "type"} from its standard input
and writes {"ok", "error"}. Without a message it only judges the address. It never writes a secret.
"""

import json
import logging
import os
import re
import sys
import sysconfig
from importlib import import_module
from pathlib import Path
from typing import Any

from providers.core.errors import BlockedAddress
from providers.http.addresses import literal_address, wire_name
from providers.http.policy import EgressPolicy

# Plugins that show something on this machine, write to its log, or run through its own services
LOCAL = frozenset(
    [
        *("blink1", "dbus", "deltachat", "deltachats", "gio", "glib", "gnome", "kde", "macosx"),
        *("qt", "syslog", "windows"),
    ]
)
STARTS = ("subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system", "pty.")
READ = (
    *(sys.prefix, sys.base_prefix, *sysconfig.get_paths().values()),
    *("/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/ssl", "/etc/mime.types"),
    *("/etc/localtime", "/usr/share/zoneinfo", "/usr/share/ca-certificates", "/dev/urandom"),
    *("/usr/lib/ssl", "/etc/pki", "/etc/gai.conf", "/proc/net", "/dev/null"),
)
READ = tuple({*READ, *map(os.path.realpath, READ)})
STATUS = re.compile(r"\berror=(\d{3})\b")


class Refused(Exception):
    """A sentence for the person who entered the address."""


class _Guard:
    """The hook. `blocked`: the first sentence with which it refused, since plugins swallow it."""

    def __init__(self, policy: EgressPolicy) -> None:
        self.policy, self.blocked = policy, ""

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("socket.getaddrinfo", "socket.gethostbyname"):
            self._judge_name(arguments[0])
        elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            self._judge_address(arguments[1])
        elif event == "open":
            self._judge_file(*arguments)
        elif event.startswith(STARTS):
            self._block("This kind of address starts a program on this machine. Use another.")

    def _judge_name(self, host: Any) -> None:
        name = host.decode() if isinstance(host, bytes) else host
        if name:
            self._ask(lambda: self.policy.refuse_name(str(name)))

    def _judge_address(self, address: Any) -> None:
        if address is None:
            return  # of a socket that was connected
        if not isinstance(address, tuple):
            self._block("This kind of address leads to a socket of this machine. Use another.")
        host = str(address[0])
        literal = literal_address(wire_name(host)) if host else None
        if literal is not None:
            self._ask(lambda: self.policy.refuse_address(host, literal))

    def _judge_file(self, path: Any, mode: Any, flags: Any) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return  # a file that is open
        name = os.path.realpath(os.fsdecode(path))
        is_read = not (isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        is_ours = name.startswith(READ) or name.endswith((".py", ".pyc")) or mode is None
        if name != os.devnull and not (is_read and is_ours):
            self._block("This address names a file of this machine. Put what is in it here.")

    def _ask(self, judge: Any) -> None:
        try:
            judge()
        except BlockedAddress as refused:
            self._block(str(refused))

    def _block(self, text: str) -> None:
        self.blocked = self.blocked or text
        raise PermissionError(text)


class _Statuses(logging.Handler):
    """Remembers the status in Apprise's log, and nothing else of it: the rest may be secret."""

    status = ""

    def emit(self, record: logging.LogRecord) -> None:
        if found := STATUS.search(record.getMessage()):
            self.status = found[1]


def _plugin_class(schema: str) -> Any:
    """The class of the plugin for a schema, None if there is none. Apprise itself would load every
    plugin, which takes seconds: only those whose text names the schema are loaded here.
    """
    from apprise import plugins

    place = Path(plugins.__file__).parent
    for entry in sorted(place.iterdir()):
        files = sorted(entry.glob("*.py")) if entry.is_dir() else [entry]
        if entry.name.startswith(("_", "base")) or not any(
            f'"{schema}"' in one.read_text(errors="replace") for one in files
        ):
            continue
        module = import_module(f"apprise.plugins.{entry.stem}")
        for name, found in vars(module).items():
            if name.startswith("Notify") and schema in _schemas(found):
                return found
    return None


def _schemas(found: Any) -> set[str]:
    both = (getattr(found, name, None) for name in ("protocol", "secure_protocol"))
    return {text for one in both if one for text in ([one] if isinstance(one, str) else one)}


def _schema_of(url: str) -> str:
    return url.partition("://")[0].strip().lower() if "://" in url else ""


def _plugin(url: str, found: Any, policy: EgressPolicy) -> Any:
    """The plugin's object for an address. Raises Refused, BlockedAddress."""
    from apprise import AppriseAsset

    schema = _schema_of(url)
    if found is None:
        raise Refused(
            "This is not an address of Apprise. Begin with the service, such as slack:// or "
            "mailto://: see https://github.com/caronc/apprise/wiki."
        )
    if schema in LOCAL:
        raise Refused(f"{schema}:// reaches only this machine. Choose a service on the network.")
    if not found.enabled:
        raise Refused(f"{schema}:// needs a program that is not installed here. Choose another.")
    try:
        made = found(**found.parse_url(url), asset=AppriseAsset())
    except TypeError:  # what each plugin raises, and what None raises
        raise Refused(
            f"Something is missing in this address, or is not as {schema}:// wants it: see "
            "https://github.com/caronc/apprise/wiki."
        ) from None
    for name in ("host", "smtp_host"):
        if isinstance(host := getattr(made, name, None), str) and ("." in host or ":" in host):
            policy.refuse_name(host)
    return made


def run(asked: dict[str, Any]) -> dict[str, Any]:
    """Judges an address, and sends a message where there is one."""
    policy = EgressPolicy(tuple(asked["allow"]), asked["private"])
    guard, statuses = _Guard(policy), _Statuses()
    log = logging.getLogger("apprise")
    log.handlers, log.propagate = [statuses], False
    try:
        found = _plugin_class(_schema_of(asked["url"]))
        sys.dont_write_bytecode = True
        sys.addaudithook(guard)
        plugin = _plugin(asked["url"], found, policy)
        if "body" not in asked:
            return {"ok": True, "error": ""}
        is_sent = plugin.notify(body=asked["body"], title=asked["title"], notify_type=asked["type"])
    except (Refused, BlockedAddress) as refused:
        return {"ok": False, "error": str(refused)}
    except Exception as error:  # noqa: BLE001 of a plugin: its text may hold the address
        reason = guard.blocked or f"Apprise failed with {type(error).__name__}."
        return {"ok": False, "error": reason}
    if is_sent and not guard.blocked:
        return {"ok": True, "error": ""}
    refusal = f"The service refused the message (status {statuses.status})."
    away = "The service did not take the message. Look at its address and whether it answers."
    return {"ok": False, "error": guard.blocked or (refusal if statuses.status else away)}


if __name__ == "__main__":
    os.nice(5)  # it takes a second of a core to start, and no request may wait for it
    answer = json.dumps(run(json.load(sys.stdin)))
    sys.stdout.write(answer)
    sys.stdout.flush()
    os._exit(0)  # a plugin's threads are not waited for
