"""Calls to services, and their responses in the format of the caller."""
