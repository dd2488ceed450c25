"""Packages: connections and profiles as one file.

The format and nothing else: no rows, no permissions. See docs/packages.md.
"""
