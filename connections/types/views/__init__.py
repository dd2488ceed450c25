"""The pages of connection types, and those on which a person allows a connection."""
