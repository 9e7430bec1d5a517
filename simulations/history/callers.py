"""Callers without their numbers: a keyed hash, so that who calls again is seen and who it is is not."""

import hashlib
import re

_UNKNOWN = frozenset(
    {"", "unknown", "anonymous", "restricted", "private", "unavailable", "s", "asterisk", "none", "null"}
)
_NUMBER = re.compile(r"[+\d][\d\s()./-]*")


class CallerHashes:
    """Hashes callers with a `key` (BLAKE2b, 64 bits). Without the key nobody can try numbers until one fits."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._known: dict[str, str] = {}

    def __call__(self, caller: str) -> str:
        """The hash; empty for a caller who is not known. `+34 915-550-100` and `+34915550100` are the same."""
        found = self._known.get(caller)
        if found is None:
            name = caller.strip().strip('"')
            if _NUMBER.fullmatch(name):
                name = re.sub(r"[^+\d]", "", name)
            if name.casefold() in _UNKNOWN:
                found = ""
            else:
                found = hashlib.blake2b(name.encode("utf-8", "replace"), key=self._key, digest_size=8).hexdigest()
            if len(self._known) > 2_000_000:
                self._known.clear()
            self._known[caller] = found
        return found
