"""Which test images a network classifies correctly, a bit an image, as it lies in a record."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TOLERANCE = 1e-6
"""How far an accuracy may be from the share of correct images: a user's own may be a mean in float32."""


@dataclass(frozen=True)
class CorrectImages:
    """One bit for each label of a test image, in the order of the test images.

    Args:
        shape: ``(images,)``, or ``(images, heads)`` where an image has several labels.
        bits: 1 for a correct answer, eight in a byte, the first in the highest bit; unused bits are 0; in base64.
    """

    shape: tuple[int, ...]
    bits: str

    @classmethod
    def of(cls, correct: NDArray[np.bool_]) -> CorrectImages:
        """The bits of a boolean array ``(images,)`` or ``(images, heads)``."""
        import numpy as np

        return cls(correct.shape, base64.b64encode(np.packbits(correct, axis=None).tobytes()).decode("ascii"))

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> CorrectImages:
        """The bits in a record."""
        return cls(tuple(plain["shape"]), plain["bits"])

    def shares(self) -> NDArray[np.float64]:
        """The share of its labels that each image has right, float64 ``(images,)``; 0 or 1 where it has one label."""
        import numpy as np

        packed = np.frombuffer(base64.b64decode(self.bits), dtype=np.uint8)
        correct = np.unpackbits(packed, count=math.prod(self.shape)).reshape(self.shape[0], -1)
        shares: NDArray[np.float64] = correct.mean(axis=1, dtype=np.float64)
        return shares


def refusal(shape: list[int], bits: str, accuracy: float) -> str:
    """Why the bits of a record cannot be what they claim; empty where they can.

    Args:
        shape: as of :class:`CorrectImages`.
        bits: as of :class:`CorrectImages`.
        accuracy: which the record gives for them.
    """
    count = math.prod(shape)
    if count == 0:
        return "has no images"
    try:
        content = base64.b64decode(bits, validate=True)
    except (binascii.Error, ValueError):
        return "has bits that are not base64"
    if len(content) != -(-count // 8):
        return f"has {len(content):,} bytes of bits; must be {-(-count // 8):,}, one for eight labels"
    number = int.from_bytes(content, "big")
    if number & ((1 << (8 * len(content) - count)) - 1):
        return "has bits after those of the last label; must be 0"
    if abs(number.bit_count() / count - accuracy) > TOLERANCE:
        return f"has a share of {number.bit_count() / count:.9g} of correct labels; must equal the value {accuracy:.9g}"
    return ""
