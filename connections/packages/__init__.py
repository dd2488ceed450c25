"""Packages: connections and profiles as one file. See docs/packages.md."""
