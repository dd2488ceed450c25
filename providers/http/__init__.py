"""Requests to the outside: the guard of addresses, TLS, authentication, plain HTTP services."""
