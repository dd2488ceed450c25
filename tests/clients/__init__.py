"""Clients that programs write from docs/openapi.yaml, for `make test-clients`."""
