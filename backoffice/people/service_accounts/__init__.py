"""Service accounts: their services, pages, API. The command is beside those of people."""
