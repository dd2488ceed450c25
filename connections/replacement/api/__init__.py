"""The API of replacements."""
