"""What Switchboard tells of its work while it works: metrics, traces, and the
facts of log lines. Every room may count and tell here.
"""
