"""Workload identity in the API."""
