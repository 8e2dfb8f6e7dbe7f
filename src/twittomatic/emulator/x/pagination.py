"""Pagination tokens: opaque, at least 16 letters and digits, valid for one list only.

A token is computed, not stored: a position in the list and a signature over that position and the
list's request. A token of another endpoint, user or time range does not verify
(X docs, fundamentals/pagination).
"""

import base64
import hashlib

from .problems import garbled_token

_SIZE = 16
_LENGTH = 26  # base32hex characters of 16 bytes, without padding


class TokenMaker:
    """Makes and reads tokens; makers with the same secret accept each other's tokens."""

    def __init__(self, secret: bytes = b"") -> None:
        self._secret = secret

    def make(self, scope: str, place: int) -> str:
        """Return the token of a position, 0 to 2**64 - 1, in the list named by `scope`."""
        token = self._mask(scope, place) + self._sign(scope, place)
        return base64.b32hexencode(token).decode().rstrip("=").lower()

    def read(self, scope: str, token: str) -> int:
        """Return the position that a token encodes.

        Raises:
            InvalidRequestError: The token is malformed or belongs to another list.
        """
        try:
            raw = (
                base64.b32hexdecode(token.upper() + "=" * (-len(token) % 8)) if len(token) == _LENGTH else b""
            )
        except ValueError:
            raw = b""
        if len(raw) == _SIZE:
            place = int.from_bytes(raw[:8], "big") ^ int.from_bytes(self._mask(scope, 0), "big")
            if token == self.make(scope, place):
                return place
        raise garbled_token(token)

    def _mask(self, scope: str, place: int) -> bytes:
        mask = hashlib.blake2b(scope.encode(), digest_size=8, key=self._secret, person=b"veil").digest()
        return (int.from_bytes(mask, "big") ^ place).to_bytes(8, "big")

    def _sign(self, scope: str, place: int) -> bytes:
        signed = f"{scope}|{place}".encode()
        return hashlib.blake2b(signed, digest_size=8, key=self._secret, person=b"sign").digest()
