"""The ground of the gateway: requests, the cached configuration, limits, errors."""
