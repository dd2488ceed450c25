"""Secrets are found in what others wrote, however they are spelled there."""

import base64
import json
import time
from urllib.parse import quote

import pytest

from providers.core.redaction import redacted

KEY = "sk-proj-Ab3dEf6h_Ij9lMn2pQr5tUv8x"

SPELLINGS = {
    "whole": KEY,
    "without its last character": KEY[:-1],
    "twelve characters of it": KEY[9:21],
    "in other case": KEY.upper(),
    "reversed": KEY[::-1],
    "spaced": " ".join(KEY),
    "with separators": "-".join(KEY),
    "twelve spaced": " ".join("6h_Ij9lMn2pQ"),
    "twelve in bytes": KEY[9:21].encode().hex(" ").upper(),
    "over lines": f"{KEY[:7]}\n{KEY[7:14]}\n{KEY[14:]}",
    "full width": "".join(chr(ord(one) + 0xFEE0) for one in KEY),
    "with zero width spaces": "\u200b".join(KEY),
    "percent": "".join(f"%{ord(one):02X}" for one in KEY),
    "percent twice": quote(quote("".join(f"%{ord(one):02x}" for one in KEY))),
    "percent in part": KEY.replace("-", "%2D").replace("A", "%41").replace("M", "%4d"),
    "JSON escapes": "".join(f"\\u{ord(one):04x}" for one in KEY),
    "HTML": "".join(f"&#{ord(one)};" for one in KEY),
    "hex": KEY.encode().hex(),
    "hex with colons": KEY.encode().hex(":").upper(),
    "hex of a program": "".join(f"\\x{ord(one):02x}" for one in KEY),
    "a list of bytes": ", ".join(hex(ord(one)) for one in KEY),
    "base64": base64.b64encode(KEY.encode()).decode(),
    "base64 after one character": base64.b64encode(f":{KEY}".encode()).decode(),
    "base64 of a header": base64.b64encode(f"Bearer: {KEY}\r\n".encode()).decode(),
    "base64 of a part": base64.b64encode(KEY[3:17].encode()).decode(),
    "urlsafe base64": base64.urlsafe_b64encode(f"?>{KEY}~~".encode()).decode(),
    "base64, reversed": base64.b64encode(KEY.encode()).decode()[::-1],
    "base64 of it reversed": base64.b64encode(KEY[::-1].encode()).decode(),
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_a_secret_is_taken_out_in_each_spelling(spelling: str):
    shown = redacted(f"Wrong key {spelling} given. Ask for another.", [KEY])
    assert shown == "Wrong key *** given. Ask for another."


def test_what_is_no_secret_stays():
    said = (
        "The model gpt-5 of sk-proj takes 4,096 tokens, not 100%25. See https://acme.example/a?b=c"
    )
    assert redacted(said, [KEY, ""]) == said


def test_a_short_secret_is_found_whole_and_a_word_is_not():
    assert redacted("hunter2! is not a password. A pass is.", ["hunter2!", "pass"]) == (
        "*** is not a password. A pass is."
    )


def test_a_secret_of_signs_alone_is_found():
    assert redacted("Not ?!$%&/()=?!$ please", ["?!$%&/()=?!$"]) == "Not *** please"


def test_of_a_key_file_the_key_is_secret_and_the_project_is_not():
    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----"
    file = {"type": "service_account", "project_id": "acme-production-1", "private_key": key}
    shown = redacted(
        f"Project acme-production-1 refuses {json.dumps(key)} of a service_account.",
        [json.dumps(file)],
    )
    assert "acme-production-1" in shown and "service_account" in shown and "BADANBgk" not in shown


def test_long_texts_and_secrets_take_no_longer_than_their_length():
    began = time.process_time()
    for said, secret in (("a" * 10_000, "a" * 10_000), ("%25" * 50_000, KEY * 300)):
        redacted(said, [secret])
    assert time.process_time() - began < 5  # squared it would be minutes


@pytest.mark.parametrize(
    "spelling",
    [
        "&nbsp;".join(KEY),
        "".join(f"&#{ord(one)}" for one in KEY),
        "".join(f"\\{ord(one):03o}" for one in KEY),
        "".join(f"\\u{{{ord(one):x}}}" for one in KEY),
    ],
    ids=["blanks of HTML", "entities without an end", "octal", "braces"],
)
def test_a_key_is_found_in_rarer_escapes_too(spelling: str):
    assert redacted(f"Key {spelling} is wrong", [KEY]) == "Key *** is wrong"
