"""Long text as short text: what a page carries with it would be four times as long as it stands."""

from __future__ import annotations

import functools
import gzip

import numpy as np
from plotly.offline import get_plotlyjs

BITS = 7
"""Bits of a character: those that UTF-8 keeps in one byte."""
ELSEWHERE = 256
"""What is added to the characters that HTML would not give back as they are."""
CHANGED = (0, ord("\n"), ord("\r"), ord("<"))


def packed(text: str) -> str:
    """Packs a text, for a script element of which `unpack.js` makes the text again.

    It is compressed; every character of the result stands for seven bits. A quarter of the bytes would be added in base
    85 and a third in base 64, an eighth here.

    Args:
      text: any.

    Returns:
      text without "<", line breaks and null characters.
    """
    bits = np.unpackbits(np.frombuffer(gzip.compress(text.encode(), 9, mtime=0), np.uint8))
    groups = np.pad(bits, (0, -len(bits) % BITS)).reshape(-1, BITS)
    codes = groups @ (1 << np.arange(BITS)[::-1])
    characters = np.where(np.isin(codes, CHANGED), codes + ELSEWHERE, codes)
    return characters.astype("<u4").tobytes().decode("utf-32-le")


def unpacked(text: str) -> str:
    """Returns what was packed, as `unpack.js` does in a browser.

    Example:
      >>> unpacked(packed("<b>Wörter</b>"))
      '<b>Wörter</b>'
    """
    codes = np.frombuffer(text.encode("utf-32-le"), "<u4") % 2**BITS
    bits = np.unpackbits(codes.astype(np.uint8)[:, None], axis=1)[:, 8 - BITS :].reshape(-1)
    return gzip.decompress(np.packbits(bits[: len(bits) // 8 * 8]).tobytes()).decode()


@functools.cache
def plotly() -> str:
    """Returns plotly's script, packed."""
    return packed(get_plotlyjs())
