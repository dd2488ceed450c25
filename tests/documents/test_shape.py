"""The set of documents: each page says for whom it is and where to go on, each message and label is
one that the product has, and each block says what the tests do with it.
"""

import re

import pytest

from connections.api.codes import error_codes, error_groups

from . import by_command, by_error, by_provider
from .blocks import (
    COMMANDS,
    GENERATED,
    INDEX,
    REASONS,
    ROOT,
    blocks_in,
    blocks_of,
    misplaced,
    pages,
)
from .doing import READERS, RUNNERS
from .printed import difference
from .texts import is_example, is_said

GUIDES = [one for one in pages() if one.startswith("docs/") and "/providers/" not in one]
OF_OTHERS = ("No module named 'django'",)  # what Python says
# codes whose sentences gunicorn, pydantic, a service, Django or a validator of others says
SAID_BY_OTHERS = {
    *("invalid_http", "uri_too_long", "upgrade_required", "header_too_large", "not_implemented"),
    *("invalid_request", "bad_request", "weak", "value_error"),
}


@pytest.mark.parametrize("page", GUIDES)
def test_a_page_says_for_whom_it_is_and_where_to_go_on(page: str):
    text = (ROOT / page).read_text(encoding="utf-8")
    first = re.search(r"^# .*\n\n(?:<!--.*-->\n\n)?(.*)", text)
    assert first and re.match(r"For (whoever|those who|administrators)\b", first[1]), "for whom"
    if page != "docs/index.md":
        last = text.rpartition("\n## ")[2]
        assert last.startswith("Where to go on\n") and "](" in last, "where to go on"


def test_every_message_of_troubleshooting_is_one_that_the_product_says():
    text = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
    messages = re.findall(r"^### `(.+)`$", text, re.MULTILINE)
    assert len(messages) > 20
    assert [one for one in messages if not is_said(one) and one not in OF_OTHERS] == []


def test_every_example_of_an_error_is_what_the_product_says():
    entries = [entry for group in error_groups() for entry in group["codes"].items()]
    wrong = {code for code, one in entries if not is_example(one["example"])}
    assert wrong == SAID_BY_OTHERS


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md", "docs/tasks.md"])
def test_every_label_in_bold_is_one_of_the_product(page: str):
    text = (ROOT / page).read_text(encoding="utf-8")
    labels = re.findall(r"\*\*([A-Z][^*]*[^*.])\*\*", text)
    assert [one for one in labels if not is_said(one)] == []


def test_a_message_that_nobody_says_is_found():
    assert not is_said("This sentence stands nowhere in the product ...")
    assert not is_example("The host api.exampel.com is unknown.")


@pytest.mark.parametrize("page", pages())
def test_every_block_says_what_is_done_with_it(page: str):
    known = {*RUNNERS, *READERS, *GENERATED}
    blocks = blocks_of(page)
    assert [one for one in map(misplaced, blocks) if one] == []
    assert [str(one) for one in blocks if one.language not in known] == []


@pytest.mark.parametrize("kind", ["first", "answers", "own", "skip"])
def test_what_is_told_of_examples_of_commands_is_told_of_one_that_there_is(kind: str):
    text = (ROOT / COMMANDS).read_text(encoding="utf-8")
    begin = "" if kind == "own" else by_command.PROGRAM
    assert [one for one in by_command.told()[kind] if f"{begin}{one}" not in text] == []


def test_why_an_example_of_a_command_is_not_run_is_a_reason_or_a_test():
    reasons = set(by_command.told()["skip"].values())
    assert [one for one in reasons if one not in REASONS and not (ROOT / one).is_file()] == []


def test_every_error_that_is_provoked_is_on_the_page():
    assert {*by_error.provoked()["codes"]} <= error_codes()


@pytest.mark.parametrize("page", [one for one in pages() if one.startswith(by_provider.FOLDER)])
def test_each_setting_of_a_provider_is_read_from_its_page(page: str):
    text = (ROOT / page).read_text(encoding="utf-8").partition("| setting |")[2]
    assert len(by_provider.rows(page)) == text.partition("## By API")[0].count("\n| ")


def test_the_words_of_the_glossary_are_in_order():
    text = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    words = re.findall(r"^\| ([a-z, ]+) \|", text, re.MULTILINE)[1:]
    assert words == sorted(words) and len(words) >= 30


def test_the_index_is_read_first_to_last():
    assert pages()[0] == "README.md" and "docs/tutorial.md" in pages()[:2]
    assert INDEX.is_file()


# The blocks themselves

PAGE = """
<!-- test: file a.yaml -->
```yaml
a: 1
```

```sh
echo hello
```

It prints:

```text
hello
```

<!-- test: skip moon -->
```sh
fly
```
"""


def test_blocks_have_their_marks_and_what_they_print():
    file, command, skipped = blocks_in(PAGE, "a.md")
    assert (file.marks, file.language, file.line) == ({"file": "a.yaml"}, "yaml", 3)
    assert command.output and command.output.text == "hello\n"
    assert "'moon' is not a reason" in misplaced(skipped)


@pytest.mark.parametrize(
    ("expected", "printed", "language"),
    [
        ("hello ...", "hello world", "text"),
        ("made at 2026-01-01 10:00", "made at 2027-02-02 11:11", "text"),
        ('{"id": "...", "a": 1}', '{"a": 1, "id": 7}', "json"),
        ('{"a": 1, "...": "..."}', '{"a": 1, "b": 2}', "json"),
        ('["sb_abcdefgh"]', '["sb_12345678"]', "json"),
    ],
)
def test_what_varies_may_differ(expected: str, printed: str, language: str):
    assert difference(expected, printed, language) == ""


@pytest.mark.parametrize(
    ("expected", "printed", "language"),
    [
        ("hello", "hello world", "text"),
        ('{"a": 1}', '{"a": 1, "b": 2}', "json"),
        ('{"a": 1, "b": 2}', '{"a": 1}', "json"),
        ('{"a": {"b": [1]}}', '{"a": {"b": [2]}}', "json"),
        ('{"a": 1}', "no JSON", "json"),
    ],
)
def test_what_does_not_vary_may_not(expected: str, printed: str, language: str):
    assert difference(expected, printed, language) != ""
