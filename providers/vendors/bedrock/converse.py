"""OpenAI's chat format in the words of Bedrock's Converse, and back.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

import json
from typing import Any

from providers.core.chat import ChatRequest, NamedTool, Tool
from providers.core.errors import ProviderError
from providers.core.messages import (
    FunctionCall,
    ImagePart,
    Message,
    OtherPart,
    TextPart,
    ToolCall,
    Unsupported,
)
from providers.core.results import ChatAnswer, ChatChunk, FinishReason, ToolCallDelta, Usage

from ..messages import INSTRUCTIONS, answered_call, refusal_in, refuse_extras, turns

SAYS = (
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "stop",
    "tools",
    "tool_choice",
    "response_format",
)
IMAGES = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/jpg": "jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
}
FINISHED = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_CALLS,
    "guardrail_intervened": FinishReason.CONTENT_FILTER,
    "content_filtered": FinishReason.CONTENT_FILTER,
}


def converse(request: ChatRequest) -> dict[str, Any]:
    """The arguments of Converse and ConverseStream. Raises Unsupported for what they cannot say."""
    refuse_extras(request, "Amazon Bedrock")
    body = {
        "modelId": request.model,
        "messages": _messages(request),
        "system": [
            {"text": text}
            for one in request.messages
            if one.role in INSTRUCTIONS and (text := one.text())
        ],
        "inferenceConfig": _inference(request),
        "toolConfig": _tools(request),
        "outputConfig": _output(request),
    }
    return {name: value for name, value in body.items() if value}


def _inference(request: ChatRequest) -> dict[str, Any]:
    found: dict[str, Any] = {
        "maxTokens": request.longest,
        "temperature": request.temperature,
        "topP": request.top_p,
        "stopSequences": request.stops or None,
    }
    return {name: value for name, value in found.items() if value is not None}


# Messages


def _messages(request: ChatRequest) -> list[dict[str, Any]]:
    """User and assistant in turn, as Converse wants them; what a tool answered is the user's."""
    found: list[dict[str, Any]] = []
    for message in turns(request.messages):
        role = "assistant" if message.role == "assistant" else "user"
        if not found or found[-1]["role"] != role:
            found.append({"role": role, "content": []})
        found[-1]["content"] += _content(message)
    return found


def _content(message: Message) -> list[dict[str, Any]]:
    blocks = [
        _block(part) for part in message.parts() if not isinstance(part, TextPart) or part.text
    ]
    if message.role == "tool":
        return [{"toolResult": {"toolUseId": answered_call(message), "content": blocks}}]
    if refused := refusal_in(message):
        blocks.append({"text": refused})
    for call in message.tool_calls or ():
        blocks.append(
            {
                "toolUse": {
                    "toolUseId": call.id,
                    "name": call.function.name,
                    "input": call.function.parsed(),
                }
            }
        )
    if not blocks:
        raise Unsupported(
            "messages",
            f"Amazon Bedrock takes no empty message. Leave the empty {message.role} message out.",
        )
    return blocks


def _block(part: TextPart | ImagePart | OtherPart) -> dict[str, Any]:
    if isinstance(part, OtherPart):
        raise Unsupported(
            "messages", f"Amazon Bedrock is asked with text and images here, not with {part.type}."
        )
    return {"text": part.text} if isinstance(part, TextPart) else {"image": _image(part)}


def _image(part: ImagePart) -> dict[str, Any]:
    found = part.data()
    if found is None:
        raise Unsupported(
            "image_url",
            "Amazon Bedrock fetches no images. Give the image itself, as data:image/png;base64,...",
        )
    kind, data = found
    if kind.lower() not in IMAGES:
        raise Unsupported(
            "image_url", f"Amazon Bedrock takes images of png, jpeg, gif and webp, not {kind}."
        )
    return {"format": IMAGES[kind.lower()], "source": {"bytes": data}}


# Tools and the shape of the answer


def _tools(request: ChatRequest) -> dict[str, Any] | None:
    if not request.tools:
        _refuse_use_of_tools(request)
        return None
    if request.tool_choice == "none":
        raise Unsupported(
            "tool_choice",
            "Amazon Bedrock cannot be forbidden to call tools. Leave tools and tool_choice out.",
        )
    config: dict[str, Any] = {"tools": [{"toolSpec": _tool(tool)} for tool in request.tools]}
    if request.tool_choice == "required":
        config["toolChoice"] = {"any": {}}
    elif isinstance(request.tool_choice, NamedTool):
        config["toolChoice"] = {"tool": {"name": request.tool_choice.function.name}}
    return config


def _refuse_use_of_tools(request: ChatRequest) -> None:
    if request.tool_choice not in (None, "auto", "none"):
        raise Unsupported("tool_choice", "tool_choice demands a tool, and there are none in tools.")
    if any(message.tool_calls or message.role == "tool" for message in request.messages):
        raise Unsupported(
            "tools",
            "Amazon Bedrock wants to know the tools that earlier "
            "messages call. Give them in tools.",
        )


def _tool(tool: Tool) -> dict[str, Any]:
    function = tool.function
    spec = {
        "name": function.name,
        "description": function.description,
        "inputSchema": {
            "json": {"type": "object", "properties": {}, **(function.parameters or {})}
        },
        "strict": function.strict,
    }
    return {name: value for name, value in spec.items() if value}


def _output(request: ChatRequest) -> dict[str, Any] | None:
    wanted = request.response_format
    if wanted is None or wanted.type == "text":
        return None
    if wanted.json_schema is None or wanted.json_schema.schema_ is None:
        raise Unsupported(
            "response_format",
            "Amazon Bedrock answers JSON only of a schema. Give response_format a json_schema with "
            "one.",
        )
    shape = {
        "name": wanted.json_schema.name,
        "description": wanted.json_schema.description,
        "schema": json.dumps(wanted.json_schema.schema_),
    }
    given = {name: value for name, value in shape.items() if value}
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": given}}}


# Answers


def chat_answer(model: str, answer: dict[str, Any], host: str) -> ChatAnswer:
    """The answer of Converse.

    Raises ProviderError, and KeyError for a response of another shape.
    """
    blocks = answer["output"]["message"]["content"]
    texts = [block["text"] for block in blocks if "text" in block]
    uses = [block["toolUse"] for block in blocks if "toolUse" in block]
    calls = tuple(
        ToolCall(
            id=use["toolUseId"],
            function=FunctionCall(name=use["name"], arguments=json.dumps(use.get("input") or {})),
        )
        for use in uses
    )
    content = "".join(texts) if texts or not calls else None
    return ChatAnswer(
        model, content, calls, _finish(answer["stopReason"], host), _usage(answer.get("usage"))
    )


def _finish(reason: str, host: str) -> FinishReason:
    if reason.startswith("malformed_"):
        raise ProviderError(
            f"The model at {host} gave an answer that cannot be read. Try again.", "error"
        )
    return FINISHED.get(reason, FinishReason.STOP)


def _usage(found: dict[str, Any] | None) -> Usage | None:
    """inputTokens are those that no cache was involved with:
    docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
    """
    if not found:
        return None
    into = sum(
        found.get(name) or 0
        for name in ("inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
    )
    return Usage(into, found.get("outputTokens") or 0)


class ConverseStream:
    """Reads the events of one ConverseStream.

    `ended`: the model has finished, so that the stream may end.
    """

    def __init__(self, model: str, host: str) -> None:
        self.ended = False
        self._model, self._host = model, host
        self._calls: dict[int, int] = {}  # contentBlockIndex -> index of the tool call
        self._without_arguments: set[int] = set()

    def chunk(self, event: dict[str, Any]) -> ChatChunk | None:
        """The piece of the answer that an event carries, None for an event without any.

        Raises ProviderError.
        """
        match event:
            case {"contentBlockDelta": {"delta": {"text": str(text)}}} if text:
                return ChatChunk(content=text, model=self._model)
            case {
                "contentBlockStart": {
                    "contentBlockIndex": index,
                    "start": {"toolUse": {"toolUseId": call, "name": name}},
                }
            }:
                self._calls[index] = len(self._calls)
                self._without_arguments.add(index)
                return self._of_call(index, ToolCallDelta(self._calls[index], call, name))
            case {
                "contentBlockDelta": {
                    "contentBlockIndex": index,
                    "delta": {"toolUse": {"input": str(piece)}},
                }
            } if piece:
                self._without_arguments.discard(index)
                return self._of_call(index, ToolCallDelta(self._calls[index], arguments=piece))
            case {"contentBlockStop": {"contentBlockIndex": index}} if (
                index in self._without_arguments
            ):
                return self._of_call(index, ToolCallDelta(self._calls[index], arguments="{}"))
            case {"messageStop": {"stopReason": reason}}:
                self.ended = True
                return ChatChunk(finish_reason=_finish(reason, self._host), model=self._model)
            case {"metadata": {"usage": found}}:
                return ChatChunk(usage=_usage(found), model=self._model)
        return None

    def _of_call(self, _index: int, delta: ToolCallDelta) -> ChatChunk:
        return ChatChunk(tool_calls=(delta,), model=self._model)

    def end(self) -> None:
        """To be called when the events end. Raises ProviderError when the answer has not."""
        if not self.ended:
            raise ProviderError(
                f"{self._host} broke off in the middle of its answer. Try again.", "error"
            )
