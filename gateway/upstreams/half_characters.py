"""Events of OpenAI's format whose texts hold half characters: they are joined over the events.

An event without any is passed on byte by byte.
"""

from typing import Any

from providers.core.texts import ESCAPED_HALF, HalfJoiner, has_half, mended_tree

from ..core import sse

CALL = "tool_calls"
NOT_TEXTS = ("role", "name", "id", "type")


class EventMender:
    """Mends the events of one stream."""

    def __init__(self) -> None:
        self._halves = HalfJoiner()
        self._frame: dict[str, Any] = {}

    def mend(self, block: bytes) -> bytes:
        """The block with whole characters only. A first half at the end of a text is held until
        the next event, or becomes U+FFFD where the choice ends.
        """
        has_escape = b"\\u" in block and ESCAPED_HALF.search(block)
        if not has_escape and not self._halves.holds:
            return block
        return b"".join(self._mended(one) for one in sse.events(block))

    def rest(self) -> bytes:
        """An event with U+FFFD for each half that is held when the stream ends, empty without."""
        choices = list[dict[str, Any]]()
        for index in dict.fromkeys(key[0] for key in self._halves.held):
            choices.append({"index": index, "delta": {}, "finish_reason": None})
            self._flush(choices[-1]["delta"], index)
        return sse.event({**self._frame, "choices": choices}) if choices else b""

    def _mended(self, one: bytes) -> bytes:
        try:
            found = sse.json_of(one)
        except ValueError:
            return one
        if found is None and sse.is_done(one):
            return self.rest() + one
        if found is None or not (self._halves.holds or has_half(found)):
            return one
        choices = found.get("choices")
        for place, choice in enumerate(choices if isinstance(choices, list) else ()):
            if isinstance(choice, dict):
                self._join(choice, choice.get("index", place))
        found = mended_tree(found)
        self._frame = {name: one for name, one in found.items() if name not in ("choices", "usage")}
        return sse.event(found)

    def _join(self, choice: dict[str, Any], index: Any) -> None:
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            delta = choice["delta"] = {}
        for name, text in delta.items():
            if isinstance(text, str) and name not in NOT_TEXTS:
                delta[name] = self._halves.join((index, name), text)
        calls = delta.get(CALL)
        for place, call in enumerate(calls if isinstance(calls, list) else ()):
            function = call.get("function") if isinstance(call, dict) else None
            if isinstance(function, dict) and isinstance(function.get("arguments"), str):
                key = (index, CALL, call.get("index", place))
                function["arguments"] = self._halves.join(key, function["arguments"])
        if choice.get("finish_reason"):
            self._flush(delta, index)

    def _flush(self, delta: dict[str, Any], index: Any) -> None:
        for key in [one for one in self._halves.held if one[0] == index]:
            text = self._halves.flush(key)
            if key[1] == CALL:
                piece = {"index": key[2], "function": {"arguments": text}}
                delta[CALL] = [*(delta.get(CALL) or ()), piece]
            else:
                delta[key[1]] = f"{delta.get(key[1]) or ''}{text}"
