"""Finds anything by a few letters: pages, rows, what is in rows, and what can be done with them."""
