"""The names of OpenTelemetry's conventions for generative AI, here and nowhere else, because they
still change: https://github.com/open-telemetry/semantic-conventions-genai.
"""

from providers.core.registry import UnknownProvider, get_provider

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
REQUEST_STREAM = "gen_ai.request.stream"
RESPONSE_MODEL = "gen_ai.response.model"
FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHED_TOKENS = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS = "gen_ai.usage.cache_creation.input_tokens"
REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens"
TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105 the kind of what is counted
INPUT_MESSAGES, OUTPUT_MESSAGES = "gen_ai.input.messages", "gen_ai.output.messages"

OPERATION_DURATION = "gen_ai.client.operation.duration"  # seconds
TOKEN_USAGE = "gen_ai.client.token.usage"  # noqa: S105 a number
TIME_TO_FIRST_TOKEN = "gen_ai.server.time_to_first_token"  # noqa: S105 seconds

TOKENS = "{token}"  # the unit of a number of them

OPERATIONS = {"Chat": "chat", "Embedding": "embeddings"}  # by our capability


def operation(capability: str) -> str:
    """The conventions' word for a capability: `chat`."""
    return OPERATIONS.get(capability, capability.lower())


def provider(provider_id: str) -> str:
    """The conventions' word for a provider, or its id where they have none: `mistral_ai`."""
    try:
        return get_provider(provider_id).telemetry_name or provider_id
    except UnknownProvider:
        return provider_id
