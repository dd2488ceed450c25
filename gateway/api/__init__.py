"""The management API of the gateway, with the furniture of connections.api."""
