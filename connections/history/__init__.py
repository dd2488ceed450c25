"""Versions: listed, compared, named, pinned and restored; and what was deleted, brought back."""
