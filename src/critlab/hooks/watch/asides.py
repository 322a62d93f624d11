"""What a watch cannot do: said once, and left."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping

FOR_GOOD = "not tried again"


class Asides:
    """The parts of a watch that have stepped aside, each with the reason that was given once.

    A warning that the user has turned into an error would end the training; it is logged instead.
    """

    def __init__(self) -> None:
        self._said: dict[str, str] = {}

    def __contains__(self, part: str) -> bool:
        return part in self._said

    @property
    def said(self) -> Mapping[str, str]:
        """The reason of each part."""
        return dict(self._said)

    def say(self, part: str, step: int, why: BaseException | str, *, then: str = FOR_GOOD) -> None:
        """Says once why a part steps aside.

        Args:
            part: what is no longer done.
            step: at which it happened.
            why: the error, or the reason in words.
            then: whether it is tried again.
        """
        if part in self._said:
            return
        reason = why if isinstance(why, str) else f"{type(why).__name__}: {why}" if str(why) else type(why).__name__
        self._said[part] = f"at step {step}: {reason} ({then})"
        text = f"watch: {part}: {self._said[part]}; training continues"
        try:
            warnings.warn(text, UserWarning, stacklevel=2)
        except UserWarning:
            logging.getLogger("critlab").warning(text)
