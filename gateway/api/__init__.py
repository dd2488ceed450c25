"""The gateway's part of the API, built on connections.api."""
