"""SQLite as the database: writers wait in turn."""
