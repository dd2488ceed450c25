"""Events to other systems: webhooks, syslog, files; in order, at least once."""
