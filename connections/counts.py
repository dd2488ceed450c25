"""Counting in the cache, for limits that hold within a minute or so."""

from django.core.cache import cache


def add_to_count(key: str, number: int, seconds: int) -> int:
    """Adds to the count of `key`, which is forgotten `seconds` after its first use, and returns the
    sum.
    """
    cache.add(key, 0, seconds)
    try:
        return cache.incr(key, number)
    except ValueError:  # it ended in between, or Redis went or came back
        return number
