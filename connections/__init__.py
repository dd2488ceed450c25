"""Connections and profiles: rows, rules and surfaces."""
