"""What promptflow-core's HTTP connection provider asks: connections with their secrets in clear, by
a token in the address.
"""
