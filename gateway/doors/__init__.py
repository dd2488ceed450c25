"""The protocols in which callers reach the gateway."""
