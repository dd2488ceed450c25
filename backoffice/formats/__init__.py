"""How numbers and moments are written, by language. In every language as in ISO 8601, with a point
before the decimals: drawings, addresses and the fields of forms hold what a template writes.
"""
