"""The contract of Umbraco.AI's management API, under the prefixes of API_EXTRA_PREFIXES.

What Umbraco.AI has in another shape, or what only Umbraco.AI has, is here; urls.py comes before
the addresses of the API, which answer for all else. A shape that is here is nowhere under /api/v1.
docs/umbraco.md says which function of Umbraco.AI's client meets what.

Its versions (`/versions/...`) have a module of their own beside these: versions.py, with its
addresses in urls.py.
"""
