"""What the labels of examples are: class numbers, rows of zeros and ones, numbers, label images, or the next tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TargetKind = Literal["classes", "multi_hot", "real", "pixels", "next_token"]


@dataclass(frozen=True)
class TargetForm:
    """What the labels of examples are.

    Args:
        kind: ``classes``: whole numbers ``(N,)`` or ``(N, heads)``, from 0, or -1 for no loss. ``multi_hot``: 0, 1 or
            -1 for no loss, ``(N, labels)``. ``real``: finite numbers, ``(N,)`` or ``(N, outputs)``. ``pixels``: class
            numbers ``(N, height, width)``, -1 or ``ignored`` for no loss. ``next_token``: the tokens of the example
            itself; labels of the data, where there are any, are class numbers that only deficits see.
        classes: how many classes there are, where the task or the user fixes it; None is the largest label plus one.
        ignored: the number of pixels without a class, in addition to -1.
    """

    kind: TargetKind = "classes"
    classes: int | None = None
    ignored: int = -1

    @property
    def words(self) -> str:
        """What labels must be, for a message."""
        return _WORDS[self.kind]


_WORDS = {
    "classes": "class numbers",
    "multi_hot": "rows of zeros and ones",
    "real": "numbers",
    "pixels": "label images",
    "next_token": "the next tokens",
}

CLASSES = TargetForm()
"""Class numbers, as most data have."""
