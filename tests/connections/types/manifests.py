"""Documents of connection types for tests, and what they look like as a file."""

from typing import Any

import yaml

ACME: dict[str, Any] = {
    "key": "acme.helpdesk",
    "version": 1,
    "label": "Acme Helpdesk",
    "description": "Tickets of Acme.",
    "icon": "ticket",
    "variants": [
        {
            "key": "key",
            "label": "API key",
            "auth": {"use": "header", "name": "X-Acme-Key", "value": "{api_key}"},
        },
        {
            "key": "login",
            "label": "User name",
            "auth": {"use": "basic", "username": "{user_name}", "password": "{api_key}"},
        },
    ],
    "fields": [
        {
            "key": "subdomain",
            "kind": "slug",
            "label": "Subdomain",
            "help": "The part before .acme.example.com.",
        },
        {"key": "api_key", "kind": "secret", "label": "API key", "help": "From Acme, Keys."},
        {
            "key": "user_name",
            "label": "User name",
            "help": "Who signs in.",
            "visible_when": {"variant": "login"},
        },
        {"key": "region", "label": "Region", "help": "Where the tickets are.", "required": False},
    ],
    "base_url": "https://{subdomain}.acme.example.com/api",
    "allowed_hosts": ["*.acme.example.com"],
    "test": {"cost": "free", "request": {"path": "/me"}},
}
SETTINGS = {"variant": "key", "subdomain": "north", "api_key": "acme-secret-7f3a9c51d2"}


def acme(**changes: Any) -> dict[str, Any]:
    """The manifest with other keys; None takes one away."""
    return {name: value for name, value in {**ACME, **changes}.items() if value is not None}


def document(**changes: Any) -> str:
    """It as YAML."""
    return yaml.safe_dump(acme(**changes), sort_keys=False)


def second(**changes: Any) -> str:
    """Its version 2, in which the key is called token, and a region must be given."""
    fields = [
        *(one for one in ACME["fields"] if one["key"] not in ("api_key", "region")),
        {"key": "token", "kind": "secret", "label": "Token", "help": "From Acme, Tokens."},
        {"key": "region", "label": "Region", "help": "Where the tickets are."},
    ]
    variants = [
        {
            "key": "key",
            "label": "Token",
            "auth": {"use": "header", "name": "X-Acme-Key", "value": "{token}"},
        },
        {
            "key": "login",
            "label": "User name",
            "auth": {"use": "basic", "username": "{user_name}", "password": "{token}"},
        },
    ]
    steps = [{"from": 1, "rename": {"api_key": "token"}}]
    return document(
        **{"version": 2, "fields": fields, "variants": variants, "migrations": steps, **changes}
    )
