"""For users of promptflow: its YAML and .env files, commands, and the endpoint its flows read."""
