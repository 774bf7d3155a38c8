"""Signed values in the format of Tornado and squall, version 2:

    2|1:0|10:1500000000|3:key|8:dmFsdWU=|<hex HMAC-SHA256 of all before>

The fields are the version of the key, the seconds since 1970, the name and the value in base64, each with its
length in front. In a worker of a WSGIContainer with the option `cookieSecret` the secret is known, so that an
application asks

    from squall_wsgi import signed_cookie
    user = signed_cookie.get(environ, "user")        # bytes, or None
"""

import base64
import binascii
import hashlib
import hmac
import re
import time

_DAY = 86400
_LENGTH = re.compile(rb"[0-9]{1,7}")
_INTEGER = re.compile(rb"-?[0-9]{1,15}")

_configured = None


def configure(secret):
    """Sets the secret (text, bytes, or a dictionary of them by key version) of calls without one."""
    global _configured
    _configured = secret


def get(environ, name, max_age_days=31, secret=None):
    """The value of a signed cookie of a WSGI request, as bytes; None without a valid one."""
    found = None
    for pair in environ.get("HTTP_COOKIE", "").split(";"):
        key, equals, value = pair.partition("=")
        if equals and key.strip() == name:
            found = value.strip()
    if found is None:
        return None
    if len(found) >= 2 and found[0] == found[-1] == '"':
        found = found[1:-1]
    return decode(name, found, max_age_days=max_age_days, secret=secret)


def create(name, value, secret=None, clock=time.time, key_version=None):
    """Signs `value` (text or bytes) under `name`; returns ASCII text, ready for a Set-Cookie header.

    Raises ValueError without a secret, and for several secrets without a `key_version` of theirs.
    """
    key = _key(_resolve(secret), key_version)
    if key is None:
        raise ValueError("key_version must name one of the secrets")
    fields = (
        str(key_version or 0).encode("ascii"),
        str(int(clock())).encode("ascii"),
        _bytes(name),
        base64.b64encode(_bytes(value)),
    )
    signed = b"|".join([b"2", *(b"%d:%s" % (len(field), field) for field in fields), b""])
    return (signed + _signature(key, signed)).decode("ascii")


def decode(name, value, max_age_days=31, secret=None, clock=time.time):
    """What was signed, as bytes; None if it is missing, forged, out of date or of another name."""
    secrets = _resolve(secret)
    if not value:
        return None
    raw = _bytes(value)
    if not raw.startswith(b"2|"):
        return None
    fields = []
    at = 2
    for _ in range(4):
        colon = raw.find(b":", at)
        if colon < 0 or not _LENGTH.fullmatch(raw[at:colon]):
            return None
        end = colon + 1 + int(raw[at:colon])
        if raw[end : end + 1] != b"|":
            return None
        fields.append(raw[colon + 1 : end])
        at = end + 1
    version, timestamp, signed_name, encoded = fields
    if not _INTEGER.fullmatch(version) or not _INTEGER.fullmatch(timestamp):
        return None
    key = _key(secrets, int(version))
    if key is None or not hmac.compare_digest(raw[at:], _signature(key, raw[:at])):
        return None
    now = clock()
    if signed_name != _bytes(name) or not now - max_age_days * _DAY <= int(timestamp) <= now + 31 * _DAY:
        return None
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return None


def _resolve(secret):
    found = _configured if secret is None else secret
    if found is None:
        raise ValueError("there is no secret: set the option cookieSecret of the container, or pass one")
    return found


def _key(secret, version):
    if isinstance(secret, dict):
        secret = secret.get(version)
    return None if secret is None else _bytes(secret)


def _signature(key, signed):
    return hmac.new(key, signed, hashlib.sha256).hexdigest().encode("ascii")


def _bytes(value):
    return value.encode("utf-8") if isinstance(value, str) else bytes(value)
