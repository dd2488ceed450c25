"""The API: the same services as the pages, in JSON.

Contract: DESIGN section 7; camelCase, RFC 9457 errors, no trailing slashes.
"""
