"""The documents are done as a reader would do them: `make test-docs`."""
