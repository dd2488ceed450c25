"""Work that runs by itself in the workers: checks of connections, and the jobs of all rooms."""
