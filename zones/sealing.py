"""Encrypt what is secret of a camera, so that a copy of the database alone opens nothing.

Fernet (AES-128-CBC with HMAC-SHA256, encrypt then authenticate) under keys derived by HKDF, so that
any long text will do as a key. The first key seals, all of them open: that is how one is replaced.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.views.decorators.debug import sensitive_variables

# Keys of this use alone: the same text used elsewhere gives others.
INFO = b"oskartrack camera source 1"


class CannotUnseal(ValueError):
    """None of the keys opens it: it was sealed with one that is gone, or somebody changed it."""


@sensitive_variables()
def seal(secret: dict[str, str], keys: Sequence[str]) -> str:
    """Return a secret as text that nobody without a key can read or change."""
    return _box(tuple(keys)).encrypt(json.dumps(secret).encode()).decode()


@sensitive_variables()
def unseal(sealed: str, keys: Sequence[str]) -> dict[str, str]:
    """Return what was sealed.

    Raises
    ------
    CannotUnseal
        None of the keys opens it.
    """
    try:
        secret: dict[str, str] = json.loads(_box(tuple(keys)).decrypt(sealed.encode()))
    except InvalidToken:
        raise CannotUnseal from None
    return secret


@sensitive_variables()
def sealed_anew(sealed: str, keys: Sequence[str]) -> str:
    """Return the same secret, sealed with the first key.

    Raises
    ------
    CannotUnseal
        None of the keys opens it.
    """
    try:
        return _box(tuple(keys)).rotate(sealed.encode()).decode()
    except InvalidToken:
        raise CannotUnseal from None


@lru_cache(maxsize=8)
def _box(keys: tuple[str, ...]) -> MultiFernet:
    """Return what seals with the first key and opens with any."""
    return MultiFernet([Fernet(_derived(key)) for key in keys])


def _derived(key: str) -> bytes:
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=INFO)
    return base64.urlsafe_b64encode(derive.derive(key.encode()))
