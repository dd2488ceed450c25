"""promptflow's files in and out: YAML, .env, placeholders, names.

Text and dicts only: no rows, no Django.
"""
