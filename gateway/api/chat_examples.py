"""Summaries and examples of chats and embeddings for the OpenAPI document. All are run as tests."""

from typing import Any

from connections.api.examples import Examples

USAGE = {"inputTokens": 24, "outputTokens": 8, "totalTokens": 32}
QUESTION = {"messages": [{"role": "user", "content": "What is a switchboard?"}]}
CONVERSATION: dict[str, Any] = {
    "messages": [
        {"role": "user", "content": "What is a switchboard?"},
        {"role": "assistant", "content": "A board on which calls are connected."},
        {"role": "user", "contentParts": [{"$type": "text", "text": "Who worked at one?"}]},
    ],
    "temperature": 0.2,
    "maxTokens": 200,
    "variables": {"language": "Danish"},
}
ANSWER = {
    "message": {"role": "assistant", "content": "A board on which calls are connected."},
    "finishReason": "stop",
    "usage": USAGE,
}
EVENTS = (
    'data: {"content":"A board on which"}\n\ndata: {"content":" calls are connected."}\n\ndata: '
    '{"finishReason":"stop"}\n\ndata: [DONE]\n\n'
)
VALUES = {"values": ["first text", "second text"]}
EMBEDDINGS = {
    "embeddings": [
        {"index": 0, "vector": [0.013, -0.27, 0.41]},
        {"index": 1, "vector": [0.11, -0.06, 0.38]},
    ]
}
CHATS: Examples = {
    "question": ("One question", QUESTION),
    "conversation": ("A conversation, with variables and overrides", CONVERSATION),
}

SUMMARIES = {
    "completeChat": "Chat with the default profile, or with the one in header or body",
    "completeChatByProfile": "Chat with a profile",
    "streamChat": "Chat with the default profile, or with the one in header or body, as a stream",
    "streamChatByProfile": "Chat with a profile, as a stream",
    "generateEmbeddings": (
        "Make vectors with the default profile, or with the one in header or body"
    ),
    "generateEmbeddingsByProfile": "Make vectors with a profile",
}
REQUESTS: dict[str, Examples] = {
    "completeChat": CHATS
    | {"named": ("A profile in the body", {**QUESTION, "profileIdOrAlias": "support-answers"})},
    "completeChatByProfile": CHATS,
    "streamChat": CHATS,
    "streamChatByProfile": CHATS,
    "generateEmbeddings": {
        "named": ("A profile in the body", {**VALUES, "profileIdOrAlias": "search"})
    },
    "generateEmbeddingsByProfile": {"two": ("Two texts", VALUES)},
}
ANSWERS: dict[str, Examples] = {
    "completeChat": {"answer": ("An answer", ANSWER)},
    "completeChatByProfile": {"answer": ("An answer", ANSWER)},
    "streamChat": {"events": ("Its events", EVENTS)},
    "streamChatByProfile": {"events": ("Its events", EVENTS)},
    "generateEmbeddings": {"vectors": ("Two vectors", EMBEDDINGS)},
    "generateEmbeddingsByProfile": {"vectors": ("Two vectors", EMBEDDINGS)},
}
