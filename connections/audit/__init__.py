"""What was done, by whom: events, their chains, checkpoints."""
