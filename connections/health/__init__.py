"""The health of connections: from tests, and from what the gateway meets when it calls them."""
