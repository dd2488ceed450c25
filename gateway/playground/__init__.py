"""The playground: a page on which a profile is tried."""
