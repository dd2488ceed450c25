"""The keys of a new installation: generated into .env, and never where a database was used with
others.
"""

import base64
import codecs
import os
import secrets
import sys
from pathlib import Path
from typing import Any, NoReturn

from providers.core.env_file import FROM_FILE, decode_text, read_env

from .env_place import env_file_path
from .keys import NEW_KEY
from .terminal import say, stop

KEEP = "# Keep this file: without FERNET_KEYS no stored credential can be read. Never commit it."
NAMES = ("SECRET_KEY", "FERNET_KEYS")
UTF_16 = {
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}  # as PowerShell writes
STORED = "SELECT count(*) FROM connections_connection WHERE credentials_key <> ''"
OTHER_OPTIONS = """
# Everything below is optional; docs/settings.md says what each does. The environment wins over
# this file. Its grammar is python-dotenv's: NAME=value, and # behind a blank begins a comment.
# Single or double quotes keep #, blanks around and several lines in a value. A $ is only a $.
# HOST=127.0.0.1
# PORT=8000
# WEB_CONCURRENCY=2
# ALLOWED_HOSTS=switchboard.example.com
# CSRF_TRUSTED_ORIGINS=https://switchboard.example.com
# HTTPS=true
# DATABASE_URL=postgres://user:password@127.0.0.1:5432/switchboard
# CACHE_URL=redis://127.0.0.1:6379/1
# TIME_ZONE=UTC
# LOG_LEVEL=INFO
# CONNECTIONS_SECRETS_DIR=/run/secrets
# CONNECTIONS_CONFIG_FILE=appsettings.json
# CONNECTIONS_REFERENCE_SECTIONS=Team
# CONNECTIONS_EGRESS_ALLOW=api.openai.com,*.openai.azure.com
# GATEWAY_CORS_ORIGINS=https://chat.example.com

# Keys that connections refer to, for example $OpenAI:ApiKey
# OpenAI__ApiKey=
"""


def write_env_file() -> None:
    """Generates the keys that the environment does not have into a new .env. One that is there
    stays; where it cannot be written, the start stops.
    """
    missing = [
        name for name in NAMES if not os.environ.get(name) and not os.environ.get(f"{name}_FILE")
    ]
    if not missing:
        return
    path = env_file_path()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    except OSError as error:
        _stop_unwritten(missing, error)
    with os.fdopen(descriptor, "w") as file:
        file.write(_lines(missing) + OTHER_OPTIONS)
    _tell(missing)


def complete_env_file(settings: Any) -> None:
    """Generates the keys that an .env which is there does not have, and starts again with them.

    Where the database was used, it stops and says what is lost without them. Does nothing where no
    key is missing, and where that file is none, as /dev/null.
    """
    missing = [name for name in NAMES if not getattr(settings, name)]
    path = env_file_path()
    if not missing or not path.is_file() or {*missing} & _given(path):
        return
    if lost := _lost(missing):
        stop(
            f"{' and '.join(missing)}: neither in the environment nor in .env. {lost} Put the old "
            "value back, from a copy of .env or from a backup (`manage.py restore FILE --keys-to "
            "NEW_FILE`). If it is gone for good, add a new one to .env. This makes a key:\n"
            f"  {NEW_KEY}"
        )
    try:
        _append(path, _lines(missing))
    except OSError as error:
        _stop_unwritten(missing, error)
    _tell(missing)
    read = {*settings.ENVIRONMENT.of_file, FROM_FILE}
    own = {name: value for name, value in os.environ.items() if name not in read}
    os.execve(sys.executable, sys.orig_argv, own)  # noqa: S606 ourselves, with the file read anew


def _append(path: Path, lines: str) -> None:
    """Adds lines in the encoding that the file has, which strangers may not read from now on."""
    path.chmod(path.stat().st_mode & 0o770)
    data = path.read_bytes()
    text, encoding = decode_text(data), UTF_16.get(data[:2], "utf-8")
    gap = "\n" if text and not text.endswith("\n") else ""
    with path.open("ab") as file:
        file.write(f"{gap}{lines}".encode(encoding))


def _given(path: Path) -> set[str]:
    """The names that have a value in the file, which an empty one in the environment hides."""
    return {name for name, value in read_env(decode_text(path.read_bytes())) if value}


def _lost(missing: list[str]) -> str:
    """What is lost without these keys, in sentences; empty where the database is new."""
    import django
    from django.db import DatabaseError, connection
    from django.db.migrations.recorder import MigrationRecorder

    django.setup()
    try:
        if not MigrationRecorder(connection).applied_migrations():
            return ""
        with connection.cursor() as cursor:
            cursor.execute(STORED)
            stored = cursor.fetchone()[0]
    except DatabaseError:
        return (
            "Whether the database was used before cannot be seen: it does not answer as it should."
        )
    lost = ["This database was used before."]
    if "FERNET_KEYS" in missing:
        lost.append(
            f"Without its FERNET_KEYS the stored credentials of {stored} connections can be read "
            "by nobody, and have to be entered again."
        )
    if "SECRET_KEY" in missing:
        lost.append("Another SECRET_KEY signs everybody out, and loses nothing else.")
    return " ".join(lost)


def _lines(names: list[str]) -> str:
    made = {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "FERNET_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }
    return "\n".join([KEEP, *(f"{name}={made[name]}" for name in names)]) + "\n"


def _tell(names: list[str]) -> None:
    say(
        f"Generated {' and '.join(names)} into {env_file_path().name}. Keep a copy of it apart "
        "from the database."
    )


def _stop_unwritten(names: list[str], error: OSError) -> NoReturn:
    files = " and ".join(f"{name}_FILE" for name in names)
    stop(
        f"{' and '.join(names)} cannot be generated into {env_file_path()}: {error.strerror}. Set "
        f"them, or let {files} name files that hold them, or SWITCHBOARD_ENV_FILE another file "
        "that may be written."
    )
