"""Replacing a connection's key: the next one beside the current, switched, watched, gone back."""
