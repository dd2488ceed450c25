"""The differences of single services and models within OpenAI's protocol.

Bodies are JSON objects; none is changed in place.
"""

import re
from collections.abc import Iterable
from typing import Any

from providers.core.chat import ChatRequest
from providers.core.messages import Unsupported

# What a field may say without asking for anything: left out, it would mean the same.
NOTHING: dict[str, Any] = {
    **ChatRequest.DEFAULTS,
    "response_format": {"type": "text"},
    "temperature": 1,
    "top_p": 1,
}

# Fields of OpenAI's chat that services of another house do not have:
# developers.openai.com/api/reference, chat, create (2026-01).
OPENAI_ONLY = (
    *(
        "logprobs",
        "top_logprobs",
        "logit_bias",
        "functions",
        "function_call",
        "modalities",
        "audio",
        "store",
        "service_tier",
    ),
    *(
        "verbosity",
        "web_search_options",
        "safety_identifier",
        "prompt_cache_key",
        "prompt_cache_retention",
    ),
)

# developers.openai.com/api/docs/guides/reasoning and
# learn.microsoft.com/azure/ai-foundry/openai/how-to/reasoning, "Not supported"
REASONING_REFUSES = frozenset(
    {
        "temperature",
        "top_p",
        "presence_penalty",
        "frequency_penalty",
        "logprobs",
        "top_logprobs",
        "logit_bias",
    },
)
# "GPT-5.2 parameter compatibility", developers.openai.com/api/docs/guides/latest-model: these are
# taken with reasoning effort none, which GPT-5.1 to 5.4 have when nothing is said; older GPT-5
# models have no such effort.
TAKEN_WITHOUT_REASONING = frozenset({"temperature", "top_p", "logprobs", "top_logprobs"})

# A name may come with a vendor (openai/o3), as a fine-tuned model (ft:o4-mini:...) and with a date
# (o1-2024-12-17). gpt-5-chat does not reason; gpt-35-turbo, as Azure writes 3.5, is another family;
# gpt-oss takes all of it.
REASONING = re.compile(
    r"(?:.*/)?(?:ft:)?(?:o\d+|gpt-(?P<major>[5-9])(?!\d)(?:\.(?P<minor>\d+))?)(?![a-z0-9.])(?P<kind>.*)",
    re.DOTALL,
)
PLAIN = re.compile(r"(?:-(?:mini|nano))?(?:-\d{4}-\d\d-\d\d)?(?::.*)?", re.DOTALL)


def refused_by(model: str, effort: str | None = None) -> frozenset[str]:
    """The sampling parameters that one of OpenAI's reasoning models refuses at this reasoning
    effort (None: not said).
    """
    found = REASONING.fullmatch(model.lower())
    if found is None or (
        found["major"] == "5" and not found["minor"] and found["kind"].startswith("-chat")
    ):
        return frozenset()
    if not found["minor"] and found["major"] in (None, "5"):
        return REASONING_REFUSES
    unsaid = (
        found["major"] == "5" and int(found["minor"] or 0) <= 4 and PLAIN.fullmatch(found["kind"])
    )
    return (
        REASONING_REFUSES - TAKEN_WITHOUT_REASONING
        if effort == "none" or (effort is None and unsaid)
        else REASONING_REFUSES
    )


def without(body: dict[str, Any], names: Iterable[str], sentence: str) -> dict[str, Any]:
    """The body without these fields.

    Raises Unsupported for a field with a value that matters: `sentence`, with the field's name in
    place of {}. Hints, such as who asks, do not.
    """
    names = frozenset(names)
    for name in body:
        if (
            name in names
            and name not in ChatRequest.HINTS
            and body[name] is not None
            and (name not in NOTHING or body[name] != NOTHING[name])
        ):
            raise Unsupported(name, f"{sentence.replace('{}', name, 1)} Leave it out.")
    return {name: value for name, value in body.items() if name not in names}


def renamed(body: dict[str, Any], **names: str) -> dict[str, Any]:
    """The body with fields under other names, old=new.

    What is there under the new name already wins.
    """
    return {
        names.get(name, name): value
        for name, value in body.items()
        if name not in names or names[name] not in body
    }


def for_reasoning(body: dict[str, Any], *, always: bool = False) -> dict[str, Any]:
    """A chat for OpenAI's models: without what a reasoning model refuses.

    Such a model knows max_completion_tokens only.

    `always`: every model is asked that way. Raises Unsupported.
    """
    model = str(body.get("model", ""))
    refused = refused_by(model, body.get("reasoning_effort"))
    body = (
        without(body, refused, "{} is not taken by the model " + model + ".") if refused else body
    )
    return renamed(body, max_tokens="max_completion_tokens") if refused or always else body
