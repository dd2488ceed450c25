"""The pages of the gateway.

A view translates between a browser and the selectors or services; it decides nothing.
"""
