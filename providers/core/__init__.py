"""The ground of every provider: its base class, settings, results, errors, and the registry."""
