"""What the values of examples are, apart from their shape: levels in [0, 1], numbers of any range, or tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

Values = Literal["unit", "free", "tokens"]


@dataclass(frozen=True)
class InputForm:
    """What the values of examples are.

    Args:
        values: ``unit``: levels in [0, 1], 8-bit or float. ``free``: numbers of any range, such as standardised
            columns. ``tokens``: whole numbers from 0 to ``vocabulary - 1``, or ``padding``.
        vocabulary: how many tokens a model must know, the padding included; 0 where examples are no tokens.
        padding: the token that fills a sequence after its end; no sequence has it within. None where all sequences
            have one length.
    """

    values: Values = "unit"
    vocabulary: int = 0
    padding: int | None = None

    def mask(self, examples: Tensor) -> Tensor | None:
        """bool ``(batch, places)``: which places are not padding; None where all count."""
        return None if self.padding is None else examples != self.padding


UNIT = InputForm()
"""Images, and whatever else is in [0, 1]."""
