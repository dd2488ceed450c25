"""Writes docs/errors.md from connections/api/errors.yaml, the list of codes of the API's errors.

`python -m tools.render_errors` in the root. `--check` writes nothing, and fails when the page is
out of date.
"""

import json
import sys
from http import HTTPStatus
from pathlib import Path
from typing import Any

from connections.api.codes import error_groups
from connections.api.problem_bodies import problem

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "errors.md"
BEFORE = """# Errors

<!-- by `make docs`, from connections/api/errors.yaml -->

For whoever writes a program against Switchboard, and for whoever reads what it logged. Each code \
of an error stands here once, with its cause, an example and its cure.

Below `/api/` an error is `application/problem+json` (RFC 9457). Its `type` is the address of the \
entry on this page. Its `detail` says what is wrong and how to mend it. `errors` has an entry with \
a `pointer` and a code of its own for each field that is wrong; an example below has no `pointer` \
where the field may be any. The code of such an answer is \
`invalid`, or `unique` with the status 409 where an alias or a name is in use and nothing else is \
wrong. Every answer also names its address, as `instance`.

At `/v1` the same code stands in `error.code`; \
where a service refused the request, its own code stands there, because clients act on that. The \
failed test of a connection and the records of requests have the codes of this page too. So has \
`fallbackOn` of a profile, except one word: `missing_key` there means `unresolved_reference`, \
`undecryptable` and `misplaced`.

A code stays the same between versions. The text beside it may change.
"""
AFTER = """
## Where to go on

- [The gateway](gateway.md): what `/v1` and the chat endpoints do.
- [Health](health.md): what fails now, and what to do about it.
"""


def main(arguments: list[str]) -> None:
    """Write the page, or with --check exit with a sentence if it is not what it should be."""
    text = BEFORE + "".join(_group(one) for one in error_groups()) + AFTER
    if "--check" not in arguments:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        sys.exit("docs/errors.md: out of date. Run: make docs")


def _group(group: dict[str, Any]) -> str:
    entries = "".join(_entry(code, one) for code, one in group["codes"].items())
    return f"\n## {group['title']}\n\n{group['about']}\n{entries}"


def _entry(code: str, one: dict[str, Any]) -> str:
    status = _status(one["status"]) if "status" in one else ""
    if "status" in one:
        example = problem(one["status"][0], one["example"], code)
        del example["instance"]
    else:
        example = {"pointer": one["pointer"]} if "pointer" in one else {}
        example |= {"code": code, "detail": one["example"]}
    shown = json.dumps(example, ensure_ascii=False, indent=2)
    return (
        f"\n### `{code}`\n\n{status}{one['cause']}\n\n```json\n{shown}\n```\n\n"
        f"What to do: {one['cure']}\n"
    )


def _status(statuses: list[int]) -> str:
    named = [f"{one} {HTTPStatus(one).phrase}" for one in statuses]
    return f"Status {' or '.join(named)}. "


if __name__ == "__main__":
    main(sys.argv[1:])
