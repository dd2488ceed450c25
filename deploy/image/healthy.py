"""Asks the server in this container whether it is ready, for HEALTHCHECK: ends with 0 or 1."""

import http.client
import os
import sys


def main() -> int:
    """0 if the server answers that it is ready, else 1."""
    server = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT") or 8000), timeout=2)
    try:
        server.request("GET", "/health/ready", headers={"Host": "localhost"})
        return int(server.getresponse().status != 200)
    except (OSError, http.client.HTTPException):
        return 1


if __name__ == "__main__":
    sys.exit(main())
