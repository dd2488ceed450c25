"""Versions in the OpenAPI document. Registered by being imported."""

from pathlib import Path

from connections.api.openapi import register_operations

OPERATIONS = Path(__file__).with_name("operations.yaml")
register_operations(OPERATIONS)
