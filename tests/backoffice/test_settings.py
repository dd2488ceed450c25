"""What the environment sets. Each case is read by a process of its own, without any .env."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest
from django.core.exceptions import ImproperlyConfigured

from backoffice.databases import read_databases
from backoffice.env_place import read_environment
from backoffice.environment import Environment
from backoffice.misspelt import refuse_misspelt
from backoffice.outbound import SPELLINGS, read_proxies
from providers.core.env_file import FROM_FILE
from tests.forks import Forks, forks

ROOT = Path(__file__).parents[2]
READ = """
import json, sys
from unittest import mock
from providers.core import env_file
with mock.patch.object(env_file, "load_env_file"):
    from backoffice import settings
print(json.dumps({name: getattr(settings, name) for name in sys.argv[1:]}, default=str))
"""


@pytest.fixture(scope="module")
def fork() -> Iterator[Forks]:
    with forks() as process:
        yield process


@pytest.fixture
def read(fork: Forks) -> Callable[..., dict[str, Any]]:
    """Reads settings in an environment and no other: `read("DEBUG", HTTPS="true")`."""

    def read(*names: str, **environment: str) -> dict[str, Any]:
        done = fork.run(READ, *names, environment={"PATH": "", **environment})
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return read


@pytest.fixture
def started(fork: Forks) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """`manage.py settings` in an environment and no other: `started(HTTPS="ture")`."""
    return lambda **given: fork.run(MANAGE, "settings", environment={**KEYS, **given})


MANAGE = "import runpy; runpy.run_path('manage.py', run_name='__main__')"
KEYS = {
    "PATH": "",
    "SECRET_KEY": "signs-for-tests-only-0123456789abcdef",
    "FERNET_KEYS": "encrypts-for-tests-only-0123456789abcdef",
}
BROKEN = """
from pathlib import Path
from unittest import mock
with mock.patch.object(Path, "read_bytes", return_value=b"SECRET_KEY=hunter1\\n=hunter2"):
    from backoffice import settings
"""


def test_a_broken_line_of_the_env_file_is_named_and_not_shown(fork: Forks):
    done = fork.run(BROKEN, environment={"PATH": ""})
    assert "ImproperlyConfigured: .env: Line 2 is not NAME=value" in done.stderr
    assert "hunter" not in done.stderr


def test_without_any_environment_everything_is_safe(read):
    found = read(
        "DEBUG",
        "SECRET_KEY",
        "FERNET_KEYS",
        "ALLOWED_HOSTS",
        "CONNECTIONS_EGRESS_PRIVATE",
        "CONNECTIONS_TEST_RATE",
        "CACHES",
        "DATABASES",
    )
    assert (found["DEBUG"], found["SECRET_KEY"], found["FERNET_KEYS"]) == (False, "", [])
    assert found["ALLOWED_HOSTS"] == ["localhost", "127.0.0.1", "[::1]"]
    assert (found["CONNECTIONS_EGRESS_PRIVATE"], found["CONNECTIONS_TEST_RATE"]) == (True, 60)
    assert found["CACHES"]["default"]["BACKEND"].endswith("LocMemCache")
    assert found["DATABASES"]["default"]["NAME"] == str(ROOT / "switchboard.sqlite3")


def test_sqlite_is_set_up_for_several_writers(read, tmp_path: Path):
    database = read("DATABASES", DATABASE_URL=f"sqlite:///{tmp_path / 'a.sqlite3'}")["DATABASES"][
        "default"
    ]
    assert (
        database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
        and "journal_mode=WAL" in database["OPTIONS"]["init_command"]
    )


def test_postgresql_and_redis_come_by_address(read):
    found = read(
        "DATABASES",
        "CACHES",
        DATABASE_URL="postgres://u:p@db:5433/name",
        CACHE_URL="redis://cache:6379/1",
    )
    database = found["DATABASES"]["default"]
    assert (database["ENGINE"], database["HOST"], database["PORT"], database["NAME"]) == (
        "backoffice.postgresql",
        "db",
        5433,
        "name",
    )
    assert database["OPTIONS"]["pool"] and "Redis" in found["CACHES"]["default"]["BACKEND"]


def test_behind_a_pooler_postgresql_itself_comes_by_an_address_of_its_own(read):
    found = read(
        "DATABASES",
        DATABASE_URL="postgres://u:p@pooler:6432/name?sslmode=require",
        DATABASE_DIRECT_URL="postgres://owner@db/name?sslmode=verify-full",
    )["DATABASES"]["default"]
    direct = found["DIRECT"]
    assert (direct["user"], direct["host"], direct["dbname"]) == ("owner", "db", "name")
    assert (found["OPTIONS"]["sslmode"], direct["sslmode"]) == ("require", "verify-full")
    assert not {"port", "password", "pool"} & {*direct}


def test_lists_are_separated_by_commas(read):
    names = (
        "CONNECTIONS_REFERENCE_SECTIONS",
        "CONNECTIONS_REFERENCE_ENV",
        "CONNECTIONS_EGRESS_ALLOW",
        "CONNECTIONS_SECRET_KEYS",
    )
    found = read(*names, **dict.fromkeys(names, "one, two,,"))
    assert found == {name: ["one", "two"] for name in names}
    keys = ["one-for-tests-only-0123456789abcdef", "another-for-tests-only-0123456789"]
    assert read("FERNET_KEYS", FERNET_KEYS=",".join(keys)) == {"FERNET_KEYS": keys}


def test_https_makes_cookies_secure(read):
    names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS")
    assert [bool(value) for value in read(*names, HTTPS="true").values()] == [True] * 3
    assert [bool(value) for value in read(*names).values()] == [False] * 3


def test_behind_a_proxy_no_address_is_bounded(read: Callable[..., dict[str, Any]]):
    assert read("SOCKETS_PER_CLIENT") == {"SOCKETS_PER_CLIENT": 100}
    assert read("SOCKETS_PER_CLIENT", TRUSTED_PROXIES="1") == {"SOCKETS_PER_CLIENT": 0}


@pytest.mark.parametrize(("worker", "count"), [("1", 1), ("5", 5)])
def test_gunicorn_is_set_by_the_environment(fork: Forks, worker: str, count: int):
    code = (
        "import json; from backoffice import gunicorn_conf as g; print(json.dumps([g.bind, "
        "g.workers, g.worker_class]))"
    )
    environment = {"HOST": "::1", "PORT": "8123", "WEB_CONCURRENCY": worker, **KEYS}
    done = fork.run(code, environment=environment)
    assert json.loads(done.stdout) == [
        "[::1]:8123",
        count,
        "backoffice.asgi_worker.BoundedWorker",
    ]


WRONG = {  # by the setting: what is wrong with it, and a word of the sentence
    "HTTPS": ("ture", "true or false"),
    "CONNECTIONS_EGRESS_PRIVATE": ("true # inside", "true or false"),
    "DATABASE_POOL_SIZE": ("0", "from 1 to 1000"),
    "GATEWAY_MAX_BODY_MB": ("big", "a whole number"),
    "HEAD_TIMEOUT": ("-1", "a number from 0"),
    "DATABASE_URL": ("mysql://u:hunter2@h/n", "postgres://user:password@host/name"),
    "CACHE_URL": ("hunter2", "redis://"),
    "TIME_ZONE": ("Mars/Base", "Europe/Berlin"),
    "LOG_LEVEL": ("chatty", "WARNING"),
    "FERNET_KEYS": ("hunter2" * 5, "can be guessed"),
    "CONNECTIONS_SECRETS_DIR": ("/nope", "a folder that is not there"),
    "CONNECTIONS_CONFIG_FILE": ("/nope.json", "a file that is not there"),
    "API_THROTTLE_RATE": ("many", "6000/min"),
    "WEB_CONCURRENCY": ("two", "a whole number"),
    "PORT": ("70000", "from 1 to 65535"),
    "GATEWAY_CORS_ORIGINS": ("chat", "GATEWAY_CORS_ORIGINS"),
    "SECRET_KEY": ("your-hunter2", "a placeholder"),
    "CONNECTIONS_CA_FILE": ("manage.py", "BEGIN CERTIFICATE"),
    "HTTPS_PROXY": ("socks5://u:hunter2@h", "only those at http:// and https:// are supported"),
    "http_proxy": ("http://u:hunter2@h:port", "http://proxy.example.com:3128"),
    "NO_PROXY": ("https://hunter2.example", "networks such as 10.0.0.0/8"),
    "ALLOWED_HOSTS": ("https://a.example", "without scheme"),
    "CSRF_TRUSTED_ORIGINS": ("a.example", "https://switchboard.example.com"),
    "CONNECTIONS_RADAR_DAYS": ("30,soon", "such as 30,14,7,1"),
    "CONNECTIONS_EGRESS_ALLOW": ("*", "*.example.com"),
    "CONNECTIONS_REFERENCE_PUBLIC": ("hunter2", "keys such as Team:Region"),
    "CONNECTIONS_REFERENCE_SECTIONS": ("$Team:hunter2", "names of letters"),
    "DATABASE_DIRECT_URL": ("postgres://u:hunter2@h/n", "both it and DATABASE_URL"),
    "DATABASE_REPLICA_URL": ("postgres://u:hunter2@h/n", "both it and DATABASE_URL"),
    "DATABASE_REPLICA_SECONDS": ("soon", "from 1 to 3600"),
    "CONNECTIONS_TYPES_DIR": ("/" + "x" * 5000, "a folder that is not there"),
}
ODD = [  # a setting and what passed for one
    *[("PORT", "٨٠٠٠"), ("WEB_CONCURRENCY", "２"), ("API_THROTTLE_RATE", "1٠/min")],  # noqa: RUF001
    *[("HOST", one) for one in ("http://a.example", "0.0.0.0:80", "[::1]", "a b", "a,b", "*")],
    *[("DATABASE_URL", "sqlite://a.sqlite3"), ("CACHE_URL", "redis://cache/name")],
    ("FERNET_KEYS", "<your-key-of-thirty-two-characters>"),
    ("CONNECTIONS_SOURCES", "environment: directory:///tmp"),
    ("CONNECTIONS_SOURCES", "settings:x"),
]


@pytest.mark.parametrize(("name", "value"), ODD)
def test_what_only_looks_like_a_setting_stops_too(started, name: str, value: str):
    done = started(**{name: value})
    assert done.stderr.startswith(f"A setting cannot be used. {name}"), done.stderr
    assert done.returncode == 1 and value not in done.stderr


@pytest.mark.parametrize("host", ["::", "fe80::1%eth0", "::ffff:10.0.0.1", "my-host.local", "0"])
def test_what_may_be_listened_at_is_taken(host: str):
    assert Environment({"HOST": host}).host("HOST", "127.0.0.1") == host


# a pool is only one of a server's
WITH: dict[str, dict[str, str]] = {"DATABASE_POOL_SIZE": {"DATABASE_URL": "postgres://u:p@h/n"}}


@pytest.mark.parametrize("name", WRONG)
def test_a_setting_that_makes_no_sense_stops_with_one_sentence(started, name: str):
    value, words = WRONG[name]
    done = started(**WITH.get(name, {}), **{name: value})
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.startswith(f"A setting cannot be used. {name}") and words in done.stderr
    assert "hunter2" not in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("CONNECTIONS_EGRES_ALLOW", "CONNECTIONS_EGRESS_ALLOW"),
        ("GATEWAY_BODY_LIMIT", "GATEWAY_"),  # far from any, and a guard all the same
        ("SWITCHBOARD_ADMIN_PASWORD", "SWITCHBOARD_ADMIN_PASSWORD"),
    ],
)
def test_a_setting_that_there_is_not_stops_with_what_may_be_meant(started, name: str, meant: str):
    done = started(**{name: "hunter2"})
    assert f"The environment sets {name}, which is not a setting. Write {meant}" in done.stderr
    assert (done.returncode, "hunter2" in done.stderr) == (1, False)


def test_what_others_put_into_the_environment_is_not_judged(started):
    others = {
        "GATEWAY_PORT": "tcp://10.0.0.1:80",
        "CONNECTIONS_SERVICE_HOST": "x",
        "HTTP": "y",
        "SWITCHBOARD_PORT_8000_TCP_ADDR": "10.0.0.1",
        "SWITCHBOARD_SERVICE_PORT_WEB": "8000",
        "CONNECTIONS_REFERENCE_ENV": "GATEWAY_OF_OURS",
        "GATEWAY_OF_OURS": "read by $Env:",
    }
    done = started(**others)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["https", "HTPS", "HTTP"])
def test_in_the_env_file_every_name_that_is_nearly_a_setting_is_told(name: str):
    found = Environment({name: "true", "LOGLEVEL": "x"}, frozenset([name]))
    found.boolean("HTTPS", False)
    found.level("LOG_LEVEL", "INFO")
    with pytest.raises(ImproperlyConfigured, match=rf"\.env sets {name}, .* Write HTTPS"):
        refuse_misspelt(found, (), ())


def test_a_proxy_may_be_written_in_lower_case_in_the_env_file():
    values = {"https_proxy": "proxy:3128", "no_proxy": "a.example"}
    found = Environment(values, frozenset(values))
    proxies = read_proxies(found)
    refuse_misspelt(found, SPELLINGS, ())
    assert proxies and proxies.https and proxies.http is None
    assert proxies.https.url == "http://proxy:3128"
    assert proxies.of("https", "b.a.example", None) is None


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({"FERNET_KEYS": ""}, "FERNET_KEYS is neither in the environment"),
        ({"SECRET_KEY": "hunter2"}, "SECRET_KEY has a key of less than 32 characters"),
    ],
)
def test_the_server_does_not_start_without_keys_or_with_a_short_one(
    keys: dict[str, str], text: str
):
    command = [sys.executable, "-m", "gunicorn", "--config", "python:backoffice.gunicorn_conf"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**KEYS, **keys},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and text in done.stderr and "hunter2" not in done.stderr


def test_a_relative_path_is_one_beside_manage_py():
    shown = Environment({"A": "backoffice", "B": "manage.py"})
    assert (shown.folder("A"), shown.file("B")) == (str(ROOT / "backoffice"), f"{ROOT}/manage.py")


@pytest.mark.parametrize(
    ("address", "file"),
    [
        ("sqlite:///a/b.sqlite3", f"{ROOT}/a/b.sqlite3"),
        ("sqlite:////a/b.sqlite3", "/a/b.sqlite3"),
        ("sqlite://:memory:", ":memory:"),
    ],
)
def test_a_file_of_sqlite_is_the_same_for_the_server_and_for_every_command(address: str, file: str):
    assert read_databases(Environment({"DATABASE_URL": address}))["default"]["NAME"] == file


def test_the_server_stops_with_the_same_sentence():
    command = [sys.executable, "-m", "gunicorn", "--config", "python:backoffice.gunicorn_conf"]
    environment = {**KEYS, "HTTPS": "ture"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert (
        done.stderr
        == "A setting cannot be used. HTTPS is neither true nor false. Write true or false.\n"
    )


@pytest.mark.parametrize(
    "servers",
    [{}, {"DATABASE_URL": "postgres://u@127.0.0.1/x", "CACHE_URL": "redis://127.0.0.1"}],
)
def test_nothing_that_the_settings_import_asks_for_a_setting(fork: Forks, servers: dict[str, str]):
    """It would get half of them, and `make run` with it."""
    code = (
        "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'backoffice.settings'\n"
        "import backoffice.settings; from django.conf import settings; print(settings.configured)"
    )
    done = fork.run(code, environment=KEYS | servers)
    assert done.stdout == "False\n", done.stderr


def test_settings_are_listed_without_secrets(started):
    shown = started(
        FERNET_KEYS="hunter2-for-tests-only-0123456789abcdef",
        DATABASE_URL="postgres://u:hunter2@db/name",
        CACHE_URL="redis://:hunter2@cache/1",
        HTTPS_PROXY="http://u:hunter2@proxy:3128",
        http_proxy="hunter2@proxy",
        HTTP_PROXY="http://u:hunter2@other",
        TIME_ZONE=" Europe/Berlin ",
        HTTPS="",
    ).stdout
    assert "hunter2" not in shown
    rows = [line.split() for line in shown.splitlines()]
    assert ["DATABASE_URL", "environment", "postgres://u:***@db/name"] in rows
    assert ["CACHE_URL", "environment", "redis://:***@cache/1"] in rows
    assert ["HTTPS_PROXY", "environment", "http://u:***@proxy:3128"] in rows
    assert ["http_proxy", "environment", "http://***@proxy:80"] in rows
    assert ["NO_PROXY", "default"] in rows
    assert ["TIME_ZONE", "environment", "Europe/Berlin"] in rows
    assert ["HTTPS", "default", "false"] in rows and ["PORT", "default", "8000"] in rows


ADDRESSES = {  # with passwords that nobody encoded, and where else one may stand
    "DATABASE_URL": ["postgres://u:12#hunter2@h/n", "postgres://u:p@h/n?password=hunter2"],
    "CACHE_URL": ["redis://cache/1?password=hunter2", "redis://u:a/hunter2@cache/1"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, one) for name, given in ADDRESSES.items() for one in given]
)
def test_a_password_in_an_address_is_not_listed(started, name: str, value: str):
    done = started(**{name: value})
    assert "hunter2" not in done.stdout + done.stderr and "Traceback" not in done.stderr
    assert done.returncode == 1 or "***" in done.stdout


@pytest.mark.parametrize(
    "value", ["postgres://u:hunter2[@h/n", "postgres://u:p@h:hunter2/n", "postgres://u:hunter2@h"]
)
def test_an_address_that_cannot_be_read_is_not_repeated(started, value: str):
    done = started(DATABASE_URL=value)
    assert done.stderr.startswith("A setting cannot be used. DATABASE_URL is not an address")
    assert (done.returncode, "hunter2" in done.stderr) == (1, False)


def test_a_setting_of_the_env_file_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("TIME_ZONE", raising=False)
    monkeypatch.setenv("LOG_LEVEL", "INFO")
    monkeypatch.setenv(FROM_FILE, "OLDER")
    file = tmp_path / "settings"
    file.write_text("TIME_ZONE=Europe/Berlin\nLOG_LEVEL=DEBUG\n")
    monkeypatch.setenv("SWITCHBOARD_ENV_FILE", str(file))
    found = read_environment()
    try:
        assert found.zone("TIME_ZONE", "UTC") == "Europe/Berlin"
        assert found.level("LOG_LEVEL", "INFO") == "INFO"
        assert os.environ[FROM_FILE] == "OLDER,TIME_ZONE", "workers read it there"
    finally:
        monkeypatch.delenv("TIME_ZONE")
    sources = {name: one.source for name, one in found.variables.items()}
    named = {"SWITCHBOARD_ENV_FILE": "environment"}
    assert sources == {"TIME_ZONE": str(file), "LOG_LEVEL": "environment"} | named
    assert "PATH" not in repr(found), "an environment holds secrets"


def test_a_named_file_of_settings_that_is_not_there_stops_the_start(started, tmp_path: Path):
    done = started(SWITCHBOARD_ENV_FILE=str(tmp_path / "gone"))
    assert "SWITCHBOARD_ENV_FILE names a file that is not there" in done.stderr


SECRETS_OF_FILES: list[tuple[str, str, Callable[[Environment], object]]] = [
    ("SECRET_KEY", f"{KEYS['SECRET_KEY']}\n", lambda env: env.secret("SECRET_KEY")),
    ("DATABASE_URL", "postgres://a:pw@h/n\n", lambda env: env.database("DATABASE_URL", "")["NAME"]),
    ("CACHE_URL", "redis://:pw@h/1\n", lambda env: env.cache("CACHE_URL", "")["LOCATION"]),
    ("EMAIL_URL", "smtp://a:pw@h\n", lambda env: env.email("EMAIL_URL")["EMAIL_HOST"]),
    (
        "AUDIT_SIGNING_KEYS",
        "\n".join(KEYS.values())[1:],
        lambda env: env.secrets("AUDIT_SIGNING_KEYS", 32),
    ),
    ("AUDIT_STREAM", "https://h/\n", lambda env: env.targets("AUDIT_STREAM")),
    ("X_SECRET", "whsec_abc\n", lambda env: env.optional_secret("X_SECRET", "whsec_")),
]


@pytest.mark.parametrize(("name", "text", "read"), SECRETS_OF_FILES)
def test_a_secret_may_be_in_a_file(
    name: str, text: str, read: Callable[[Environment], object], tmp_path: Path
):
    (tmp_path / "secret").write_text(text)
    plain = Environment({name: text.strip().replace("\n", ",")})
    from_file = Environment({f"{name}_FILE": str(tmp_path / "secret")})
    assert read(from_file) == read(plain)
    told = from_file.variables[name]
    assert (told.source, told.text) == ("environment", plain.variables[name].text)


@pytest.mark.parametrize(
    ("text", "told"),
    [("", "empty"), (" \n", "empty"), (b"\xff\xfe\xff", "not UTF-8"), (None, "not there")],
)
def test_a_file_that_holds_no_secret_is_told(text: str | bytes | None, told: str, tmp_path: Path):
    file = tmp_path / "secret"
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ImproperlyConfigured, match=f"CACHE_URL_FILE.*{told}"):
        Environment({"CACHE_URL_FILE": str(file)}).cache("CACHE_URL", "")


def test_without_a_collector_no_exporter_and_no_tracer_is_loaded(fork: Forks):
    loaded = "{'opentelemetry.sdk.trace', 'opentelemetry.exporter'} & {*sys.modules}"
    code = f"import sys, backoffice.asgi; print([*{loaded}])"
    done = fork.run(code, environment={**KEYS, "STATIC_ROOT": "/tmp/switchboard-static-of-a-test"})
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr


def test_the_examples_of_the_reference_are_taken(started, tmp_path: Path):
    page = (ROOT / "docs" / "settings.md").read_text()
    found: dict[str, str] = {}
    for section in page.split("\n### ")[1:]:
        if section.startswith("`OIDC_"):  # of a name that one chooses
            continue
        name, example = re.findall(r"^- Example: `([A-Z_]+)=(.+)`$", section, re.M)[0]
        path = tmp_path / name
        if "- Value: the path of a folder" in section:
            path.mkdir()
        elif "- Value: the path of a file" in section:
            path.write_text("")
        found[name] = str(path) if path.exists() else example
    assert len(found) > 90
    found["CONNECTIONS_CA_FILE"] = certifi.where()
    done = started(**found)
    assert done.returncode == 0, done.stderr
