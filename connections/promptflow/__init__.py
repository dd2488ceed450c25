"""promptflow's files in and out, and the tokens with which its flows read connections.

Text and dicts only: no rows, no Django.
"""
