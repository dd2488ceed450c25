"""The API: the services of the pages as JSON.

Names are in camelCase, errors are problems (RFC 9457), addresses have no slash at their end.
"""
