"""promptflow's files and values. No rows, no Django."""
