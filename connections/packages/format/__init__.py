"""The package's file: archive, documents, sealed secrets. No rows, no permissions."""
