"""The documents of docs/ as pages below /docs/: read, searched, and the entry of each error."""
