"""A tool of a flow: it says what it was given, secrets as their hash."""

from hashlib import sha256

from promptflow.connections import CustomConnection, OpenAIConnection
from promptflow.core import tool


@tool
def look(question: str, custom: CustomConnection, model: OpenAIConnection) -> str:
    """Question, a config, and the hashes of a custom secret and of an API key."""
    secrets = (custom.secrets["pass"], model.api_key)
    return " ".join(
        [question, custom.configs["region"], *(sha256(one.encode()).hexdigest() for one in secrets)]
    )
