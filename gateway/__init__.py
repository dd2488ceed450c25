"""The gateway: chats, streams and embeddings by a profile, whose callers never see a key."""
