"""Gunicorn's configuration as it is served, with a store's answer kept for the seconds that the
variable FRESH says: 30 are long for a browser that waits for them.
"""

import os

from backoffice.gunicorn_conf import *  # noqa: F403
from connections.sources import kept

kept.FRESH = float(os.environ["FRESH"])
