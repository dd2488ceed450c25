"""What uses profiles: chats, streams and embeddings through a connection, with no key in the
caller's hands.
"""
