"""How the values of settings are spelt."""

import re

TRUE, FALSE = ("true", "yes", "on", "1", "y", "ok"), ("false", "no", "off", "0", "n")
WHOLE = "-?[0-9]{1,20}"
RATE = re.compile(r"[1-9][0-9]*/(?:s|sec|second|m|min|minute|h|hour|d|day)")
DAYS = re.compile(r"[1-9][0-9]{0,2}")
NAME = re.compile(r"[A-Za-z0-9_.-]+")
KEY = re.compile(r"[A-Za-z0-9_.-]+(?::[A-Za-z0-9_.-]+)*:(?:\*|[A-Za-z0-9_.-]+)")
HOST = r"[\w-]+(?:\.[\w-]+)*\.?|\[[0-9a-fA-F:.]+\]"
SERVED = re.compile(rf"\*|\.?(?:{HOST})")  # as Django's ALLOWED_HOSTS has them
ASKED = re.compile(rf"(?:\*\.)?(?:{HOST})|[0-9a-fA-F:]+")
LISTENING = re.compile(
    r"[\w-]+(?:\.[\w-]+)*\.?|[0-9a-fA-F]*:[0-9a-fA-F]*:[0-9a-fA-F:.]*(?:%[\w-]+)?"
)
ORIGIN = re.compile(rf"https?://(?:\*\.)?(?:{HOST})(?::[0-9]{{1,5}})?")
