"""Cognigy's connection schemas, read as connection types."""

from .reading import read_cognigy

__all__ = ["read_cognigy"]
