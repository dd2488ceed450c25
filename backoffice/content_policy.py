"""The Content-Security-Policy of answers that bring none of their own."""

POLICY = (
    "default-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'; object-src "
    "'none'"
)
