"""The way of a call: rights, limits, and which target of a profile answers."""
