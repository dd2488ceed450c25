"""Workload identity: access tokens of trusted issuers in the place of our own."""
