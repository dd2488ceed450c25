"""Backups: all rows as one file, and back."""
