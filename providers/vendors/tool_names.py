"""Names of tools and ids of their calls that a vendor refuses, under others that it takes.

The vendor is told the others; in its answer the caller finds its own names again. Bodies are those
of OpenAI's chat, as JSON objects; none is changed in place.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from ..core.chat import ChatRequest
from ..core.messages import ToolCall
from ..core.results import ChatAnswer, ChatChunk

DIGEST = 8  # characters of a digest behind a text that was cut, or that another one became too
RESULTS = ("tool", "function")  # roles whose name is the function's; `function` is the older one
LIGHT: Any = {  # what of a request has names and ids: the texts and the images need not be copied
    "tools": True,
    "tool_choice": True,
    "messages": {"__all__": {"role", "tool_calls", "tool_call_id", "name"}},
}


@dataclass(frozen=True)
class TextRule:
    """The texts that a vendor takes.

    `characters` and `first`: classes of a regular expression, for all characters and for the first.
    `is_exact`: a text has just `longest` characters, not up to that many. `filler` stands for
    characters that are not taken.
    """

    characters: str
    longest: int
    first: str = ""
    is_exact: bool = False
    filler: str = "_"

    def takes(self, text: str) -> bool:
        """True if the vendor takes the text as it is."""
        fitting = len(text) == self.longest if self.is_exact else 1 <= len(text) <= self.longest
        first = re.match(f"[{self.first or self.characters}]", text)
        return fitting and bool(first and re.fullmatch(f"[{self.characters}]+", text))

    def other(self, text: str, used: set[str]) -> str:
        """A text that the vendor takes and that is not among `used`: the same one for the same."""
        clean = re.sub(f"[^{self.characters}]", self.filler, text) or self.filler
        if self.first and not re.match(f"[{self.first}]", clean):
            clean = f"{self.filler}{clean}"
        if not self.is_exact and len(clean) <= self.longest and clean not in used:
            return clean
        salt = 0
        while True:
            digest = sha256(f"{salt or ''}{text}".encode(errors="surrogatepass")).hexdigest()
            kept = "" if self.is_exact else f"{clean[: self.longest - DIGEST - 1]}{self.filler}"
            found = f"{kept}{digest}"[: min(self.longest, len(kept) + DIGEST + self.is_exact)]
            if found not in used:
                return found
            salt += 1


@dataclass(frozen=True)
class ToolRules:
    """What a vendor takes as names of tools and ids of calls; None: anything.

    `are_unique`: an id may stand for one call of the whole conversation only.
    """

    names: TextRule | None = None
    ids: TextRule | None = None
    are_unique: bool = False


PLAIN = TextRule("a-zA-Z0-9_-", 64)
# developers.openai.com/api/reference, chat, create: names of functions. Its refusal of a longer id:
# "string too long. Expected a string with maximum length 40" (microsoft/autogen#6377).
OPENAI = ToolRules(PLAIN, TextRule(r"\s\S", 40))
# platform.claude.com/docs/en/agents-and-tools/tool-use: names; the ids by its refusal, "String
# should match pattern '^[a-zA-Z0-9_-]+$'", and "tool_use ids must be unique".
# docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolUseBlock.html says the same.
CLAUDE = ToolRules(PLAIN, PLAIN, are_unique=True)
# ai.google.dev/api/caching#FunctionDeclaration; what the name begins with is told by Vertex AI only
GOOGLE = ToolRules(TextRule("a-zA-Z0-9_.-", 64, first="a-zA-Z_"))
# Its refusal: "Tool call id was ... but must be a-z, A-Z, 0-9, with a length of 9"
MISTRAL = ToolRules(PLAIN, TextRule("a-zA-Z0-9", 9, is_exact=True))


class Aliases:
    """The texts that a vendor is told, by the caller's own. A text that it takes stays itself."""

    def __init__(self, rule: TextRule | None, texts: Iterable[str]) -> None:
        given = list(dict.fromkeys(texts))
        self._rule = rule
        self._used = {text for text in given if rule is None or rule.takes(text)}
        self.told = {text: text if text in self._used else self.another(text) for text in given}

    def another(self, text: str) -> str:
        """One more text for the same of the caller's."""
        found = (self._rule or PLAIN).other(text, self._used)
        self._used.add(found)
        return found


def names_told(body: dict[str, Any], rules: ToolRules) -> dict[str, str]:
    """The caller's names of tools by those that the vendor is told instead; empty without such."""
    if rules.names is None:
        return {}
    told = Aliases(rules.names, _names_in(body)).told
    return {alias: name for name, alias in told.items() if alias != name}


def with_names(body: dict[str, Any], rules: ToolRules) -> dict[str, Any]:
    """The body with the names and ids that the vendor takes; the same one where it takes all."""
    if rules.names is None and rules.ids is None:
        return body
    names = Aliases(rules.names, _names_in(body)).told
    ids = _ids_told(body, rules)
    if all(name == told for name, told in names.items()) and ids is None:
        return body
    messages = []
    for place, message in enumerate(body["messages"]):
        changed = dict(message)
        if message.get("tool_calls"):
            changed["tool_calls"] = [
                _renamed(call, names)
                | ({"id": ids[place, number]} if ids and (place, number) in ids else {})
                for number, call in enumerate(message["tool_calls"])
            ]
        if ids and (place, -1) in ids:
            changed["tool_call_id"] = ids[place, -1]
        if message.get("role") in RESULTS and message.get("name") in names:
            changed["name"] = names[message["name"]]
        messages.append(changed)
    found = {**body, "messages": messages}
    if body.get("tools"):
        found["tools"] = [_renamed(tool, names) for tool in body["tools"]]
    if isinstance(choice := body.get("tool_choice"), dict):
        found["tool_choice"] = _renamed_choice(choice, names)
    return found


def for_vendor(request: ChatRequest, rules: ToolRules) -> tuple[ChatRequest, dict[str, str]]:
    """The request with the names and ids that the vendor takes, and the caller's names by those."""
    light = request.model_dump(mode="json", exclude_none=True, include=LIGHT)
    if with_names(light, rules) is light:
        return request, {}
    told = with_names({**request.body(), "model": request.model}, rules)
    return type(request).model_validate(told), names_told(light, rules)


def restored(answer: ChatAnswer, names: dict[str, str]) -> ChatAnswer:
    """The answer with the caller's names. `names`: as `names_told` gives them."""
    if not names:
        return answer
    return replace(
        answer, tool_calls=tuple(_restored_call(one, names) for one in answer.tool_calls)
    )


def restored_piece(chunk: ChatChunk, names: dict[str, str]) -> ChatChunk:
    """As `restored`, of a stream."""
    if not names or not chunk.tool_calls:
        return chunk
    calls = (replace(one, name=names.get(one.name or "", one.name)) for one in chunk.tool_calls)
    return replace(chunk, tool_calls=tuple(calls))


def _restored_call(call: ToolCall, names: dict[str, str]) -> ToolCall:
    name = names.get(call.function.name, call.function.name)
    return call.model_copy(update={"function": call.function.model_copy(update={"name": name})})


def _about(thing: Any) -> dict[str, Any]:
    """The object with the name in a tool, a call, or a choice of a tool."""
    for kind in ("function", "custom"):
        if isinstance(thing, dict) and isinstance(thing.get(kind), dict):
            found: dict[str, Any] = thing[kind]
            return found
    return {}


def _names_in(body: dict[str, Any]) -> Iterator[str]:
    messages = body.get("messages") or ()
    calls = [call for message in messages for call in message.get("tool_calls") or ()]
    for thing in (*(body.get("tools") or ()), body.get("tool_choice"), *calls):
        if isinstance(name := _about(thing).get("name"), str):
            yield name
    for message in messages:
        if message.get("role") in RESULTS and message.get("name"):
            yield message["name"]


def _renamed(thing: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    inner = _about(thing)
    told = names.get(str(inner.get("name")))
    if told is None:
        return thing
    kind = next(kind for kind, value in thing.items() if value is inner)
    return {**thing, kind: {**inner, "name": told}}


def _renamed_choice(choice: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """A choice of one tool, or of several in `allowed_tools`."""
    allowed = choice.get("allowed_tools")
    if not isinstance(allowed, dict) or not isinstance(allowed.get("tools"), list):
        return _renamed(choice, names)
    tools = [_renamed(one, names) if isinstance(one, dict) else one for one in allowed["tools"]]
    return {**choice, "allowed_tools": {**allowed, "tools": tools}}


def _ids_told(body: dict[str, Any], rules: ToolRules) -> dict[tuple[int, int], str] | None:
    """The ids to tell, by the message's place and the call's, -1 for that of a tool's message.

    None where they are those of the body. An id that comes again is another call's; a tool's
    message answers the last one.
    """
    if rules.ids is None:
        return None
    given: list[tuple[int, int, str]] = []
    for place, message in enumerate(body.get("messages") or ()):
        calls = message.get("tool_calls") or ()
        given += [
            (place, number, str(call["id"]))
            for number, call in enumerate(calls)
            if call.get("id") is not None
        ]
        if message.get("tool_call_id") is not None:
            given.append((place, -1, str(message["tool_call_id"])))
    aliases = Aliases(rules.ids, (one for _, _, one in given))
    found: dict[tuple[int, int], str] = {}
    asked: dict[str, tuple[int, deque[str]]] = {}  # the last message with the id, its calls' ids
    for place, number, one in given:
        last, open_calls = asked.get(one, (-1, deque[str]()))
        if number == -1:
            found[place, -1] = open_calls[0] if open_calls else aliases.told[one]
            open_calls.rotate(-1)
            continue
        is_other = rules.are_unique and one in asked
        found[place, number] = aliases.another(one) if is_other else aliases.told[one]
        before = open_calls if last == place else ()
        asked[one] = place, deque([*before, found[place, number]])
    return found if any(found[place, number] != one for place, number, one in given) else None
