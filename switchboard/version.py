"""The version of this client: that of the server it comes with."""

__version__ = "0.1.0"
USER_AGENT = f"Switchboard-Python/{__version__}"
