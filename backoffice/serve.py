"""`make run` after the installation: keys, tables, the first user, then gunicorn.

With `--prepare` it ends before gunicorn: a step of its own before several instances are started.
With `--version` it says its version, and nothing else happens.
"""

import errno
import importlib
import os
import re
import secrets
import socket
import sys
import time
from pathlib import Path

from providers.core.version import version

from .first_keys import complete_env_file, write_env_file
from .terminal import say, stop

BASE_DIR = Path(__file__).resolve().parent.parent
BIND = re.compile(r"(^|\s)(-b|--bind)")  # options of gunicorn


def main() -> None:
    """Prepare, then serve.

    One process: Django is loaded once (about a second), also for gunicorn's workers.
    """
    if "--version" in sys.argv[1:]:
        say(f"Switchboard {version()}")
        return
    os.umask(0o077)  # .env and the SQLite file are for this user only
    os.chdir(BASE_DIR)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    write_env_file()
    set_up_django()
    serves = "--prepare" not in sys.argv[1:]
    if serves:
        refuse_taken_port()
    if migrate(is_asked=not serves):
        ensure_admin()
    if serves:
        run_gunicorn()


def set_up_django() -> None:
    """Load the settings, which read .env, and stop readably when something is wrong with them."""
    import django

    from .environment import stopping
    from .keys import require_keys

    with stopping():
        settings = importlib.import_module(os.environ["DJANGO_SETTINGS_MODULE"])
        complete_env_file(settings)
        if not isinstance(settings.FERNET_KEYS, list):
            django.setup()  # what a store or a key service says is translated
        require_keys(settings.SECRET_KEY, settings.FERNET_KEYS)
    django.setup()


def refuse_taken_port() -> None:
    """Stop when gunicorn could not listen. Where `--bind` overrules HOST and PORT, it says so."""
    from django.conf import settings

    if BIND.search(os.environ.get("GUNICORN_CMD_ARGS", "")):
        return
    host, port = settings.HOST, settings.PORT
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        is_port = error.errno in (errno.EADDRINUSE, errno.EACCES)
        another = f"Choose another port: make run PORT={min(port + 1, 65535)}"
        cure = another if is_port else "Check HOST, it is not an address of this machine."
        stop(f"Cannot listen on {host}, port {port}: {error.strerror}. {cure}")


def migrate(is_asked: bool = False) -> bool:
    """Bring the database up to date, where somebody asked for it or MIGRATE_AT_START says so. True
    if this code can work on it; says nothing when it is up to date.
    """
    from django.conf import settings
    from django.core.management import CommandError, call_command
    from django.db import OperationalError

    from .schema import State, read_schema

    try:
        schema = read_schema()
        if schema.state is State.TOO_OLD and (is_asked or settings.MIGRATE_AT_START):
            say("Preparing the database ...")
            began = time.monotonic()
            call_command("migrate", interactive=False, verbosity=0)
            say(f"  done in {time.monotonic() - began:.0f} s")
            schema = read_schema()
    except CommandError as error:
        stop(str(error))
    except OperationalError as error:
        stop(f"The database cannot be used: {error}\nCheck DATABASE_URL, and that the server runs.")
    if schema.message:
        say(schema.message)
    return schema.works


def ensure_admin() -> None:
    """Make the superuser `admin` if there is no user at all.

    A generated password is printed once and stored nowhere.
    """
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.db import IntegrityError, transaction

    from connections.audit.services import Origin, coming_from

    from .environment import stopping

    with stopping():
        given = settings.ENVIRONMENT.given_secret("SWITCHBOARD_ADMIN_PASSWORD")
    os.environ.pop("SWITCHBOARD_ADMIN_PASSWORD", "")  # the workers have no use for it
    users = get_user_model().objects
    if users.exists():
        return
    password = given or secrets.token_urlsafe(15)
    try:
        with coming_from(Origin("start", program="make run")), transaction.atomic():
            users.create_superuser("admin", password=password)
    except IntegrityError:  # another instance was first, and has shown the password
        return
    if given:
        say("Created the user admin with the password from SWITCHBOARD_ADMIN_PASSWORD.")
    else:
        say(
            f"\n  Sign in as   admin\n  Password     {password}\n\nIt is shown this once. Change "
            "it after signing in.\n"
        )


def run_gunicorn() -> None:
    """Serve until a signal ends it.

    In this process, so that the workers share what is loaded already.
    """
    from gunicorn.app.wsgiapp import WSGIApplication  # type: ignore[import-untyped]

    from gateway.core.db_threads import close_connections

    close_connections()
    sys.argv = ["gunicorn", "--config", "python:backoffice.gunicorn_conf"]
    WSGIApplication("%(prog)s [OPTIONS]").run()


if __name__ == "__main__":
    main()
