"""A request as code: for curl, and for OpenAI's official SDKs for Python and JavaScript."""

import json
import shlex
from typing import Any

TOKEN = "sb_..."  # noqa: S105 a placeholder
INDENT = "    "


def curl(base_url: str, path: str, body: dict[str, Any], token: str = TOKEN) -> str:
    """The request as a command.

    `base_url` ends in /v1, `path` is below it, `body` is in OpenAI's format.
    """
    return (
        f"curl {shlex.quote(f'{base_url}/{path}')} \\\n"
        f'  -H "Authorization: Bearer {token}" \\\n'
        f'  -H "Content-Type: application/json" \\\n'
        f"  -d {shlex.quote(json.dumps(body, ensure_ascii=False, indent=2))}"
    )


def python(base_url: str, call: str, body: dict[str, Any], result: str, token: str = TOKEN) -> str:
    """The request as a program.

    `call`: the SDK's method; `result`: the expression to print. The field that the SDK does not
    know, `variables`, goes into extra_body.
    """
    body = dict(body)
    extra = {"variables": body.pop("variables")} if "variables" in body else {}
    arguments = [f"{INDENT}{name}={_literal(value)},\n" for name, value in body.items()]
    arguments += [f"{INDENT}extra_body={_literal(extra)},\n"] if extra else []
    return (
        "from openai import OpenAI\n\n"
        f"client = OpenAI(base_url={_literal(base_url)}, api_key={_literal(token)})\n"
        f"answer = client.{call}(\n{''.join(arguments)})\n"
        f"print({result})"
    )


def javascript(
    base_url: str, call: str, body: dict[str, Any], result: str, token: str = TOKEN
) -> str:
    """As `python`. The SDK passes on the field that it does not know."""
    options = json.dumps({"baseURL": base_url, "apiKey": token}, indent=2)
    return (
        'import OpenAI from "openai";\n\n'
        f"const client = new OpenAI({options});\n"
        f"const answer = await client.{call}("
        f"{json.dumps(body, ensure_ascii=False, indent=2)});\n"
        f"console.log({result});"
    )


def _literal(value: Any) -> str:
    """A value as Python writes it. A body has texts, numbers, lists and objects, which JSON writes
    alike.
    """
    if isinstance(value, list):
        return "[\n" + "".join(f"{INDENT * 2}{_literal(one)},\n" for one in value) + f"{INDENT}]"
    return json.dumps(value, ensure_ascii=False)
