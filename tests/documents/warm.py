"""Commands of manage.py without their start: a process that has loaded Django forks for each.

    python -m tests.documents.warm SOCKET      in the folder of an installation: serves
    python -IS warm.py SOCKET manage.py ...    asks it, with its own input, output and environment

A command whose settings are other ones than those that were loaded is started as ever.
"""

import json
import os
import socket
import sys


def ask(address: str, arguments: list[str]) -> int:
    """Has a command run, and returns how it ended."""
    with socket.socket(socket.AF_UNIX) as asked:
        asked.connect(address)
        told = {"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ)}  # noqa: PTH109 without pathlib it starts twice as fast
        body = json.dumps(told).encode()
        socket.send_fds(asked, [len(body).to_bytes(4, "big")], [0, 1, 2])
        asked.sendall(body)
        return int(asked.makefile().read() or "70")


def serve(address: str) -> None:
    """Waits for commands. It returns in the process that is to run one, which is in its place."""
    import gc
    import signal

    environment, settings = dict(os.environ), settings_file()
    _load()
    read = {name: text for name, text in os.environ.items() if name not in environment}
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        while True:
            asked, _ = listener.accept()
            with asked:
                if not os.fork():
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    return _take(asked, environment, settings, read)


def settings_file() -> bytes:
    """What `.env` holds now."""
    try:
        with open(".env", "rb") as file:  # noqa: PTH123 without pathlib it starts twice as fast
            return file.read()
    except FileNotFoundError:
        return b""


def _load() -> None:
    import django
    from django.core.management import get_commands, load_command_class

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    django.setup()
    for name, app in get_commands().items():
        if not app.startswith("django"):
            load_command_class(app, name)


def _take(
    asked: socket.socket, environment: dict[str, str], settings: bytes, read: dict[str, str]
) -> None:
    """Becomes what was asked for. `read`: what `.env` added to the environment."""
    size, descriptors, _, _ = socket.recv_fds(asked, 4, 3)
    body = asked.makefile("rb").read(int.from_bytes(size, "big"))
    told = json.loads(body)
    if child := os.fork():
        for one in descriptors:
            os.close(one)
        _, status = os.waitpid(child, 0)
        asked.sendall(str(os.waitstatus_to_exitcode(status)).encode())
        os._exit(0)
    for number, one in enumerate(descriptors):
        os.dup2(one, number)
        os.close(one)
    os.chdir(told["folder"])
    given = told["environment"]
    if _is_other(environment, given) or settings_file() != settings:
        os.execve(sys.executable, [sys.executable, *told["arguments"]], given)
    os.environ.clear()
    os.environ.update({**read, **given})
    sys.argv = told["arguments"]


def _is_other(loaded: dict[str, str], given: dict[str, str]) -> bool:
    """True where a command's environment makes other settings than those that were loaded."""
    from backoffice.settings import ENVIRONMENT

    names = {*ENVIRONMENT.variables, *ENVIRONMENT.secret_files, "DJANGO_SETTINGS_MODULE"}
    names |= {one for one in given if one.startswith("OIDC_")}
    defaults = {"DJANGO_SETTINGS_MODULE": "backoffice.settings"}
    before, now = {**defaults, **loaded}, {**defaults, **given}
    return any(before.get(one) != now.get(one) for one in names)


if __name__ == "__main__":
    if sys.argv[2:]:
        sys.exit(ask(sys.argv[1], sys.argv[2:]))
    serve(sys.argv[1])
    import manage

    manage.main()
