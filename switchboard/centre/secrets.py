"""Secrets: written nowhere in a centre's documents, which only say where to find them; and PINs, as salted hashes."""

import hashlib
import hmac
import logging
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from documents import DocumentError, nearest, read
from documents.validation import HIDDEN
from switchboard.centre.values import Document, matching

log = logging.getLogger(__name__)

MAX_SECRET_BYTES = 65_536
_HASHED = r"scrypt:([0-9a-f]{32}):([0-9a-f]{64})"


class SecretError(Exception):
    """A secret is not where the configuration says; the message names the place and never the secret."""


def _variable(name: str) -> str:
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name):
        raise PydanticCustomError(HIDDEN, "the name of an environment variable belongs here")
    return name


class SecretSource(Document):
    """Where a secret is found: a file or an environment variable, never the secret itself."""

    secret_file: Annotated[str, Field(min_length=1)] | None = None
    """A file that holds nothing else (relative to the centre's directory), or, with `key`, a YAML mapping."""
    secret_env: Annotated[str, AfterValidator(_variable)] | None = None
    """The name of an environment variable."""
    key: Annotated[str, Field(min_length=1)] | None = None
    """The key under which a `secret_file` of several secrets has this one."""

    @model_validator(mode="before")
    @classmethod
    def _not_in_the_open(cls, written: object) -> object:
        if not isinstance(written, (dict, SecretSource)):
            raise PydanticCustomError(HIDDEN, "a secret does not stand here; say where it is: {secret_file: PATH}")
        return written

    @model_validator(mode="after")
    def _one_place(self) -> "SecretSource":
        if (self.secret_file is None) == (self.secret_env is None):
            raise ValueError("a secret has one place: 'secret_file: PATH' or 'secret_env: VARIABLE'")
        if self.key is not None and self.secret_file is None:
            raise ValueError("'key' goes with 'secret_file'")
        return self

    def read(self, directory: Path, environment: Mapping[str, str] = os.environ) -> str:
        """The secret. Relative files are below `directory`. Raises SecretError when it is not there or empty."""
        if self.secret_env is not None:
            secret = environment.get(self.secret_env, "")
            if not secret:
                raise SecretError(f"the environment variable {self.secret_env} is not set")
            return secret
        path = directory / str(self.secret_file)
        try:
            if path.stat().st_mode & 0o007:
                log.warning("%s can be read by everybody on this machine: chmod o= %s", path, path)
            text = path.read_bytes()[:MAX_SECRET_BYTES].decode()
        except OSError as error:
            raise SecretError(f"{path}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise SecretError(f"{path}: not UTF-8 text") from None
        secret = text.strip() if self.key is None else self._under_key(path, text)
        if not secret:
            raise SecretError(f"{path}: no secret here")
        return secret

    def _under_key(self, path: Path, text: str) -> str:
        try:
            data = read(text, str(path)).data
        except DocumentError:
            raise SecretError(f"{path}: not a YAML mapping of secrets") from None
        if not isinstance(data, dict) or self.key not in data:
            known = nearest(self.key, data) if isinstance(data, dict) else "it is not a mapping"
            raise SecretError(f"{path}: no key {self.key!r} here ({known})")
        return str(data[self.key])


class PinSource(SecretSource):
    """An agent's PIN: its salted hash (`switchboard pin hash`), or where the PIN or its hash is found."""

    hash: Annotated[str, matching(_HASHED, "what `switchboard pin hash` printed belongs here")] | None = None
    """The salted hash of the PIN, as `switchboard pin hash` prints it."""

    @model_validator(mode="after")
    def _one_place(self) -> "PinSource":
        if sum(place is not None for place in (self.hash, self.secret_file, self.secret_env)) != 1:
            raise ValueError("a PIN has one place: 'hash', 'secret_file' or 'secret_env'; never write the PIN itself")
        return self

    def accepts(self, pin: str, directory: Path, environment: Mapping[str, str] = os.environ) -> bool:
        """Whether `pin` is right. Raises SecretError when the PIN is not where the configuration says."""
        expected = self.hash or self.read(directory, environment)
        if expected.startswith("scrypt:"):
            try:
                return check_pin(pin, expected)
            except ValueError:
                raise SecretError("what stands there is no hash of a PIN") from None
        return hmac.compare_digest(pin.encode(), expected.encode())


# 16 MB and about 50 ms a guess (RFC 7914). A PIN of four digits has few enough values that a thief of the hash finds
# it all the same in minutes: the hash keeps a PIN from the eyes of those who edit agents.yaml, no more.
_COST, _BLOCK, _PARALLEL = 2**14, 8, 1


def hash_pin(pin: str, salt: bytes | None = None) -> str:
    """`scrypt:SALT:HASH` in hexadecimal. Raises ValueError unless the PIN is 4 to 12 digits."""
    if not (pin.isascii() and pin.isdigit() and 4 <= len(pin) <= 12):
        raise ValueError("a PIN is 4 to 12 digits")
    salt = salt or secrets.token_bytes(16)
    return f"scrypt:{salt.hex()}:{_scrypt(pin, salt).hex()}"


def check_pin(pin: str, hashed: str) -> bool:
    """Whether `pin` is the one that was hashed. Raises ValueError when `hashed` is no hash of a PIN."""
    match = re.fullmatch(_HASHED, hashed)
    if match is None:
        raise ValueError("this is no hash of a PIN")
    salt, expected = match.groups()
    return hmac.compare_digest(_scrypt(pin, bytes.fromhex(salt)), bytes.fromhex(expected))


def _scrypt(pin: str, salt: bytes) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, n=_COST, r=_BLOCK, p=_PARALLEL, dklen=32)
