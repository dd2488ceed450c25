"""`manage.py connection`: as `pf connection`, where that is good."""

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from connections import services
from connections.models import Connection
from connections.promptflow.format.shapes import shape_of_type
from connections.promptflow.services.finding import find_promptflow
from tests.databases import migrated
from tests.fakes import NEWEST_KEY, OLDER_KEY, OTHER_SECRET, SECRET, connect, profile_of, reload

pytestmark = pytest.mark.django_db
SERP_API = shape_of_type("serp").provider.id
ROOT = Path(__file__).parents[3]
SERP = f"name: search\ntype: serp\napi_key: {SECRET}\n"
AZURE = (
    f"name: my azure\ntype: azure_open_ai\napi_key: {SECRET}\napi_base: "
    "https://a.openai.azure.com\n"
)


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No terminal, and a folder of its own."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> tuple[str, str]:
    """What the command writes to stdout and stderr."""
    out, said = io.StringIO(), io.StringIO()
    call_command("connection", *arguments, stdout=out, stderr=said)
    return out.getvalue(), said.getvalue()


def shown(*arguments: str):
    return json.loads(run(*arguments)[0])


def refusal(*arguments: str) -> str:
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    return str(caught.value)


def file(text: str, name: str = "connection.yaml") -> str:
    Path(name).write_text(text)
    return name


# Create


def test_create_prints_what_was_made_as_pf_does():
    out, said = run("create", "-f", file(AZURE))
    assert out.startswith(
        '{\n    "auth_mode": "key",\n    "name": "my azure",\n    "module": '
        '"promptflow.connections",\n    "created_date": "'
    )
    assert json.loads(out)["api_key"] == "******" and said == ""


def test_the_name_of_the_command_beats_the_one_of_the_file_and_of_set():
    assert shown("create", "-f", file(SERP), "-n", "mine", "--set", "name=other")["name"] == "mine"


def test_set_beats_the_file_and_the_last_one_wins():
    set_ = [
        "--set",
        "api_base=https://b.openai.azure.com",
        "api_version=1",
        "--set",
        "'api_version=\"2\"'",
    ]
    found = shown("create", "-f", file(AZURE), *set_)
    assert (found["api_base"], found["api_version"]) == ("https://b.openai.azure.com", "2")


def test_a_type_may_be_set_too():
    assert shown("create", "-f", file(SERP), "--set", "type=open_ai")["type"] == "open_ai"


def test_a_file_comes_from_stdin(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(SERP.encode())))
    assert shown("create", "-f", "-")["name"] == "search"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_matter(encoding: str):
    Path("a.yaml").write_bytes(SERP.encode(encoding))
    assert shown("create", "-f", "a.yaml")["name"] == "search"


@pytest.mark.parametrize("name", [".env", "prod.env", ".env.prod"])
def test_every_pair_of_an_env_file_is_a_secret(name: str):
    found = shown("create", "-f", file("export A=1\nB='two'\n", name), "-n", "tools")
    assert (found["type"], found["configs"], found["secrets"]) == (
        "custom",
        {},
        {"A": "******", "B": "******"},
    )
    assert dict(Connection.objects.get().credentials["secrets"]) == {"A": "1", "B": "two"}


def test_a_name_that_is_taken_is_refused_and_nothing_changes():
    run("create", "-f", file(SERP))
    text = refusal("create", "-f", file(SERP.replace(SECRET, OTHER_SECRET)))
    assert text == (
        "There is a connection 'search' already. Change it with "
        "`connection update -n`, "
        "or give --force to overwrite it."
    )
    assert Connection.objects.get().credentials["api_key"] == SECRET


def test_with_force_it_is_overwritten_and_keeps_its_date():
    before = shown("create", "-f", file(SERP))
    after = shown("create", "-f", file(SERP.replace(SECRET, OTHER_SECRET)), "--force")
    assert after["created_date"] == before["created_date"]
    assert Connection.objects.get().credentials["api_key"] == OTHER_SECRET


def test_a_reference_is_shown_as_one(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    assert (
        shown("create", "-f", file("name: a\ntype: openai\napi_key: ${env:OPENAI_API_KEY}\n"))[
            "api_key"
        ]
        == "${env:OPENAI_API_KEY}"
    )


def test_warnings_go_to_stderr():
    out, said = run("create", "-f", file(SERP + "organisation: x\n"))
    assert json.loads(out)["name"] == "search"
    assert said.startswith("warning: 'organisation' is not a field of serp and is left out.")


# Bad input: facts on promptflow, sections 2.2 to 2.6

BAD = {
    "no type": ("name: a\n", [], "type is required for connection."),
    "null type": ("name: a\ntype:\n", [], "type is required for connection."),
    "empty file": ("", [], "type is required for connection."),
    "only a comment": ("# a\n", [], "type is required for connection."),
    "a slip in type": ("name: a\ntyp: serp\n", [], "There is 'typ': did you mean type?"),
    "integer type": ("name: a\ntype: 5\n", [], "type: Not a valid string: this is a number."),
    "type is a list": ("name: a\ntype: [serp]\n", [], "type: Not a valid string: this is a list."),
    "top-level list": ("- a\n", [], "The file holds a list."),
    "top-level text": ("just text\n", [], "The file holds one text."),
    "unknown type": ("name: a\ntype: bing\n", [], "Connection type 'bing' is not supported."),
    "nearly a type": ("name: a\ntype: azure_opn_ai\n", [], "Did you mean azure_open_ai?"),
    "promptflow's not_set": (
        "name: a\ntype: not_set\n",
        [],
        "Connection type 'not_set' is not supported.",
    ),
    "missing key": ("name: a\ntype: open_ai\n", [], "api_key: Missing data for required field."),
    "missing key in key mode": (
        AZURE.replace(f"api_key: {SECRET}\n", ""),
        [],
        "api_key: Missing data for required field.",
    ),
    "missing address": (
        f"name: a\ntype: azure_open_ai\napi_key: {SECRET}\n",
        [],
        "api_base: Missing data for required field.",
    ),
    "missing endpoint": (
        f"name: a\ntype: form_recognizer\napi_key: {SECRET}\n",
        [],
        "endpoint: Missing data for required field.",
    ),
    "other mode": (AZURE + "auth_mode: aad\n", [], "auth_mode: Choose one of: key, meid_token."),
    "null": (AZURE + "api_version:\n", [], "api_version: Field may not be null."),
    "number": (
        "name: a\ntype: serp\napi_key: 12345\n",
        [],
        'api_key: Not a valid string: this is a number. Quote it, as in api_key: "...".',
    ),
    "date": (
        AZURE + "api_version: 2024-02-01\n",
        [],
        'this is a date. Quote it, as in api_version: "2024-02-01".',
    ),
    "bool": (
        AZURE + "api_type: true\n",
        [],
        "api_type: Not a valid string: this is true or false.",
    ),
    "list": (AZURE + "api_type: [a]\n", [], "api_type: Not a valid string: this is a list."),
    "map": (AZURE + "api_type: {a: b}\n", [], "api_type: Not a valid string: this is a map."),
    "secrets are text": (
        "name: a\ntype: custom\nsecrets: x\n",
        [],
        "secrets: Not a valid mapping type.",
    ),
    "secrets are null": (
        "name: a\ntype: custom\nsecrets:\n",
        [],
        "secrets: Field may not be null.",
    ),
    "secrets are empty": (
        "name: a\ntype: custom\nsecrets: {}\n",
        [],
        "Secrets is required for custom connection",
    ),
    "no secrets": (
        "name: a\ntype: custom\nconfigs: {a: b}\n",
        [],
        "Secrets is required for custom connection",
    ),
    "nested map": (
        "name: a\ntype: custom\nconfigs: {a: {b: c}}\nsecrets: {k: v}\n",
        [],
        "configs.a: Not a valid string: this is a map.",
    ),
    "integer key": (
        "name: a\ntype: custom\nconfigs: {5: c}\nsecrets: {k: v}\n",
        [],
        "configs.5: The key is a number",
    ),
    "number in a map": (
        "name: a\ntype: custom\nconfigs: {a: 5}\nsecrets: {k: v}\n",
        [],
        'configs.a: Not a valid string: this is a number. Quote it, as in a: "5".',
    ),
    "one key twice in both": (
        "name: a\ntype: custom\nconfigs: {k: x}\nsecrets: {k: v}\n",
        [],
        "k stands under configs and under secrets.",
    ),
    "syntax error": ("name: a\n  type: serp\n", [], "This is not valid YAML, line 2, column 7:"),
    "duplicate key": (
        "name: a\ntype: serp\nname: b\n",
        [],
        "name: This is not valid YAML, line 3, column 1: the key name is there twice.",
    ),
    "tab": ("name: a\ntype: serp\nsecrets:\n\tx: y\n", [], "line 4, column 1"),
    "unknown alias": (
        "name: a\ntype: serp\napi_key: *x\n",
        [],
        "line 3, column 10: found undefined alias",
    ),
    "a tag": ("name: a\ntype: serp\napi_key: !env X\n", [], "the tag !env means nothing here."),
    "a tag of Python": ("name: a\ntype: serp\napi_key: !!python/name:os.system\n", [], "api_key: "),
    "two documents": (SERP + "---\n" + SERP, [], "This is not valid YAML"),
    "a map in itself": ("a: &a\n  <<: *a\n", [], "<< takes a map without << of its own"),
    "a control character": ("name: a\x01\n", [], "may not stand in YAML"),
    "no name": ("type: serp\napi_key: x\n", [], "Name is required to create or update connection."),
    "empty name": (
        "name: ' '\ntype: serp\napi_key: x\n",
        [],
        "Name is required to create or update connection.",
    ),
    "a number for a name": (
        "name: 5\ntype: serp\napi_key: x\n",
        [],
        'name: Not a valid string: this is a number. Quote it, as in name: "5".',
    ),
    "a long name": (
        f"name: {'x' * 256}\ntype: serp\napi_key: x\n",
        [],
        "name: At most 255 characters; this one has 256.",
    ),
    "no address": (AZURE.replace("https://a", "a"), [], "api_base: This is not a web address."),
    "an empty address": (AZURE, ["api_base="], "api_base: Missing data for required field."),
    "a slip in a secret": (
        f"name: a\ntype: serp\napikey: {SECRET}\n",
        [],
        "apikey: serp has no such field. Did you mean api_key?",
    ),
    "an unknown variable": (
        "name: a\ntype: serp\napi_key: ${env:NOT_LISTED}\n",
        [],
        "List it in CONNECTIONS_REFERENCE_ENV to allow it.",
    ),
    "user input": (
        "name: a\ntype: serp\napi_key: <user-input>\n",
        [],
        "api_key: This must be typed, and there is no terminal.",
    ),
    "user input in an address": (
        AZURE,
        ["api_base=<user-input>"],
        "api_base: This must be typed, and there is no terminal.",
    ),
    "asterisks": (
        "name: a\ntype: serp\napi_key: '****'\n",
        [],
        "api_key: This must be typed, and there is no terminal.",
    ),
    "no change": (
        "name: a\ntype: serp\napi_key: <no-change>\n",
        [],
        "api_key: This must be typed, and there is no terminal.",
    ),
    "an empty secret": (
        "name: a\ntype: serp\napi_key: ''\n",
        [],
        "api_key: This must be typed, and there is no terminal.",
    ),
    "to be replaced": (
        "name: a\ntype: serp\napi_key: <to-be-replaced>\n",
        [],
        "api_key: <to-be-replaced> is a placeholder",
    ),
    "your key": (
        "name: a\ntype: serp\napi_key: <your-api-key>\n",
        [],
        "api_key: <your-api-key> is a placeholder",
    ),
    "to replace with": (
        "name: a\ntype: custom\nsecrets: {k: to_replace_with_k}\n",
        [],
        "secrets.k: to_replace_with_k is a placeholder",
    ),
    "your endpoint": (
        AZURE,
        ["api_base=<your-endpoint>"],
        "api_base: <your-endpoint> is a placeholder",
    ),
    "set inside of a text": (
        AZURE,
        ["api_base=x", "api_base.y=1"],
        "Cannot use '--set' on properties defined by reference strings",
    ),
    "set inside of the file's text": (
        AZURE,
        ["api_key.y=1"],
        "Cannot use '--set' on properties defined by reference strings",
    ),
    "set too deep": (
        "name: a\ntype: custom\nsecrets: {k: v}\n",
        ["configs.x.y=5"],
        "configs.x: Not a valid string: this is a map.",
    ),
    "set a whole map": (
        "name: a\ntype: custom\nsecrets: {k: v}\n",
        ["secrets=x"],
        "secrets: Not a valid mapping type.",
    ),
    "set an unknown type": (
        SERP,
        ["type=nothing-like-it"],
        "Connection type 'nothing-like-it' is not supported.",
    ),
}


@pytest.mark.server
@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_with_a_word_on_it_and_writes_no_row(case: str):
    text, set_, expected = BAD[case]
    said = refusal("create", "-f", file(text), *(["--set", *set_] if set_ else []))
    assert said and "\n" not in said and SECRET not in said
    assert expected in said
    assert not Connection.objects.exists()


BAD_FILES = {
    "missing file": ("nowhere.yaml", "No such file or directory: nowhere.yaml"),
    "missing folder": ("nowhere/", "No such file or directory: nowhere/"),
    "missing env file": ("x.env", "No such file or directory: x.env"),
    "a folder": (".", ". is a folder."),
    "empty env file": ("empty.env", "Nothing is in this .env file."),
    "env file without a name": ("full.env", "Name is required to create or update connection."),
    "no text": ("binary.yaml", "The file is not UTF-8 text."),
    "a null character": ("a\x00b", "cannot be read"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_file_that_says_nothing_is_refused(case: str):
    path, expected = BAD_FILES[case]
    (
        file("", "empty.env"),
        file("A=1\n", "full.env"),
        Path("binary.yaml").write_bytes(b"\xff\xfe\xff"[1:] + b"\xff"),
    )
    assert expected in refusal("create", "-f", path)
    assert not Connection.objects.exists()


@pytest.mark.parametrize("set_", ["api_key", "=x", "a..b=1", ".a=1"])
def test_set_without_a_key_and_a_value_is_a_wrong_argument(set_: str):
    with pytest.raises(CommandError, match="--set takes KEY=VALUE"):
        run("create", "-f", file(SERP), "--set", set_)


# Change, show, list, delete


def test_update_sets_one_field():
    run("create", "-f", file(AZURE))
    assert (
        shown("update", "-n", "my azure", "--set", "api_version=2024-10-21")["api_version"]
        == "2024-10-21"
    )


def test_update_with_a_file_keeps_the_secret_that_it_hides():
    run("create", "-f", file(AZURE))
    run(
        "update",
        "-n",
        "my-azure",
        "-f",
        file(AZURE.replace(SECRET, "'******'") + "api_type: azure\n"),
    )
    assert Connection.objects.get().credentials["api_key"] == SECRET


def test_update_does_not_change_the_type():
    run("create", "-f", file(SERP))
    assert "The type of a connection cannot change; this one is serp." in refusal(
        "update", "-n", "search", "--set", "type=open_ai"
    )


def test_update_of_nothing_names_the_list():
    assert refusal("update", "-n", "x", "--set", "a=b") == (
        "There is no connection 'x'. `connection list` shows them."
    )


def test_show_prints_one_and_never_its_secret():
    run("create", "-f", file(SERP))
    (listed,) = shown("list")
    alias, pk = listed.pop("alias"), listed.pop("id")
    assert shown("show", "-n", "search") == listed
    assert shown("show", alias) == shown("show", pk) == listed
    assert SECRET not in run("show", "-n", "search")[0]


@pytest.mark.server
def test_list_prints_fifty_unless_told(fake):
    for number in range(52):
        connect(name=f"c{number}")
    assert [len(shown("list", *more)) for more in ([], ["-r", "3"], ["--all-results"])] == [
        50,
        3,
        52,
    ]


@pytest.mark.server
def test_an_empty_list_is_a_list():
    assert run("list")[0] == "[]\n"


def test_delete_deletes_and_says_nothing():
    run("create", "-f", file(SERP))
    assert run("delete", "-n", "search", "-y") == ("", "")
    assert not Connection.objects.exists()


def test_delete_of_what_is_not_there_names_the_nearest_and_ends_with_4():
    run("create", "-f", file(SERP))
    with pytest.raises(CommandError) as caught:
        run("delete", "-n", "serch", "--yes")
    assert caught.value.returncode == 4 and "Did you mean 'search'?" in str(caught.value)


def test_delete_asks_and_refuses_where_nobody_is():
    run("create", "-f", file(SERP))
    assert refusal("delete", "-n", "search") == "There is no terminal to ask at. Give --yes."


def test_delete_names_what_still_needs_it(connection):
    profile_of(connection, name="Answers")
    assert "Still used by Answers." in refusal("delete", "-n", "production", "-y")


def test_test_asks_the_service(fake):
    connect(name="a")
    assert {"success": True, "code": "ok", "model_count": 2}.items() <= shown(
        "test", "-n", "a"
    ).items()


def test_a_test_that_fails_prints_why_and_is_a_failure(fake):
    connect(name="a", settings={"api_key": "$Fake:ApiKey"})
    out = io.StringIO()
    with pytest.raises(CommandError, match=r"\$Fake:ApiKey is not set"):
        call_command("connection", "test", "-n", "a", stdout=out)
    assert json.loads(out.getvalue())["code"] == "unresolved_reference"


# The environment


def test_from_env_shows_what_it_would_make_and_stores_nothing(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", SECRET), monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    found = shown("from-env", "openai")
    assert found == {
        "module": "promptflow.connections",
        "type": "open_ai",
        "api_key": "******",
        "organization": "org-1",
    }
    assert not Connection.objects.exists()


def test_from_env_stores_under_a_name(monkeypatch):
    (
        monkeypatch.setenv("AZURE_OPENAI_API_KEY", SECRET),
        monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://a.openai.azure.com"),
    )
    run("from-env", "azure_open_ai", "-n", "mine")
    assert Connection.objects.get().credentials["api_key"] == SECRET


def test_from_env_can_store_references_instead(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    run("from-env", "open_ai", "-n", "mine", "--reference")
    assert Connection.objects.get().settings == {"api_key": "$Env:OPENAI_API_KEY"}


def test_from_env_names_only_what_is_missing(monkeypatch):
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", SECRET)
    expected = "Set the environment variable AZURE_OPENAI_ENDPOINT, which azure_open_ai needs."
    assert refusal("from-env", "azure_open_ai") == expected


def test_from_env_needs_no_key_with_entra_id(monkeypatch):
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://a.openai.azure.com")
    assert (
        shown("from-env", "azure_open_ai", "--set", "auth_mode=meid_token")["auth_mode"]
        == "meid_token"
    )


# Dump


def test_dump_writes_a_file_each_and_no_secret(fake):
    run("create", "-f", file(SERP)), run("create", "-f", file(AZURE))
    run("dump", "-o", "out")
    assert sorted(path.name for path in Path("out").iterdir()) == ["my-azure.yaml", "search.yaml"]
    assert "api_key: <user-input>" in Path("out/search.yaml").read_text()


def test_dump_prints_what_is_named():
    run("create", "-f", file(SERP)), run("create", "-f", file(AZURE))
    out = run("dump", "-n", "search")[0]
    assert out.count("name:") == 1 and "name: search" in out


def test_dump_into_something_that_is_no_folder_is_refused():
    run("create", "-f", file(SERP))
    assert "cannot be written" in refusal("dump", "-o", file("x", "out"))


# As a program


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A database of its own for `manage.py`, without tables."""
    keys = {"SECRET_KEY": "for-this-test-only-0123456789abcdef", "FERNET_KEYS": NEWEST_KEY}
    return {
        **os.environ,
        **keys,
        "DATABASE_URL": f"sqlite:///{tmp_path / 'own.sqlite3'}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def program(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "manage.py"), "connection", *arguments]
    return subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )


def test_a_refusal_is_one_line_on_stderr_and_exit_code_1(environment):
    done = program(environment, "create", "-f", "nowhere.yaml")
    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "",
        "Error: No such file or directory: nowhere.yaml\n",
    )


def test_a_database_without_tables_is_no_traceback(environment):
    done = program(environment, "list")
    assert (done.returncode, done.stdout) == (1, "")
    assert "`manage.py migrate`" in done.stderr and done.stderr.count("\n") == 1


def test_a_wrong_argument_is_exit_code_2(environment):
    done = program(environment, "create", "-f", "a.yaml", "--set", "novalue")
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        "connection create --help` shows how." in done.stderr and "an = is missing" in done.stderr
    )


def test_no_sdk_and_no_api_framework_is_imported_to_start(environment):
    code = (
        "import sys, django; from django.core.management import call_command; django.setup()\n"
        "try: call_command('connection', 'completion', 'bash')\n"
        "finally: print([name for name in ('openai', 'anthropic', 'google.genai', 'boto3', "
        "'azure.identity', 'qdrant_client', 'weaviate',"
        " 'rest_framework.views', 'drf_spectacular.openapi') if name in sys.modules])"
    )
    settings = {**environment, "DJANGO_SETTINGS_MODULE": "backoffice.settings"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=settings,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.endswith("[]\n"), done.stdout[-500:] + done.stderr


# Somebody at a terminal


def at_a_terminal(environment: dict[str, str], answer: str, *arguments: str) -> tuple[int, str]:
    """Exit code and all that the terminal shows; the answer is typed when it asks."""
    child, terminal = pty.fork()
    if child == 0:
        os.execve(
            sys.executable,
            [sys.executable, str(ROOT / "manage.py"), "connection", *arguments],
            environment,
        )
    seen = b""
    try:
        while data := os.read(terminal, 4096):
            seen += data
            if seen.endswith(b"api_key: "):
                os.write(terminal, answer.encode() + b"\n")
    except OSError:  # the other end is closed
        pass
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), seen.decode()


def test_a_secret_is_asked_for_and_not_shown(environment):
    migrated(Path(environment["DATABASE_URL"].removeprefix("sqlite:///")))
    path = str(Path(file("name: a\ntype: serp\napi_key: <user-input>\n")).resolve())
    code, seen = at_a_terminal(environment, SECRET, "create", "-f", path)
    assert (code, "api_key: " in seen) == (0, True), seen
    assert SECRET not in seen


# Completion


@pytest.mark.parametrize(
    ("line", "expected"),
    [("manage.py connection del", "delete"), ("connection create --fo", "--force")],
)
def test_bash_completes_actions_and_options(line: str, expected: str):
    script = run("completion", "bash")[0]
    words = line.split()
    code = (
        f"{script}\nCOMP_WORDS=({line})\nCOMP_CWORD={len(words) - 1}\n"
        "_switchboard_connection\necho "
        '"${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{expected}\n"


def test_completion_knows_the_names():
    run("create", "-f", file(AZURE))
    assert run("completion", "names")[0] == "my azure\n"


def test_zsh_uses_the_same_script():
    assert run("completion", "zsh")[0].endswith(run("completion", "bash")[0])


def test_a_stored_connection_is_left_alone_by_a_refused_overwrite():
    row = services.create_connection(
        SERP_API, actor=None, name="search", settings={"api_key": SECRET}
    ).row
    refusal("create", "-f", file(SERP.replace("serp", "open_ai")), "--force")
    assert reload(row).provider_id == SERP_API and find_promptflow("search") == row


def test_empty_values_of_an_env_file_can_be_left_out_where_nobody_can_be_asked():
    path = file("A=1\nF=\n", "a.env")
    assert "--skip-empty" in refusal("create", "-f", path, "-n", "a")
    assert list(shown("create", "-f", path, "-n", "a", "--skip-empty")["secrets"]) == ["A"]


def test_whose_secrets_are_lost_is_said_beside_what_is_printed(settings):
    run("create", "-f", file(SERP))
    settings.FERNET_KEYS = [OLDER_KEY]
    for arguments in (("show", "-n", "search"), ("list",), ("dump",)):
        assert "search: its secrets cannot be decrypted." in run(*arguments)[1]
