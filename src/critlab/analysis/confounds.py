"""What else could explain a curve, said in words with numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Confound:
    """Another explanation of the curve.

    Args:
        name: ``training accuracy``, ``negative control <arm>``, ``learning rate``, ``equal total`` or
            ``timing``.
        status: ``clear``: the data speak against it; ``suspect``: they fit it; ``unknown``: they do not tell.
        sentence: why, with numbers; where unknown, how to find out.
    """

    name: str
    status: Literal["clear", "suspect", "unknown"]
    sentence: str
