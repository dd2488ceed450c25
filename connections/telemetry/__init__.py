"""What Switchboard tells of its work while it works: metrics. Every room may count here."""
