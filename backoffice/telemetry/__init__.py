"""`/metrics`: what the workers counted, with what the database knows, in Prometheus' formats."""
