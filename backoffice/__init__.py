"""The Django project: settings, doors, the dashboard. Wiring, no rules."""

import gc

# To load everything makes 240,000 objects, which stay. Python looks for rings among them after each
# 700 by itself, a sixth of the time of a start.
gc.set_threshold(100_000, 50)
