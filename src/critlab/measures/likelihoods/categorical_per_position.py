"""One class for each position: the likelihood of language models and of segmentation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from critlab._core.errors import StudyError
from critlab.measures.likelihoods.categorical import Categorical

if TYPE_CHECKING:
    from torch import Tensor


class CategoricalPerPosition(Categorical):
    """One class for each position of a sequence or picture; positions whose label is negative do not count.

    Given the input, the labels of positions t are independent, so the Fisher information of an example is a sum:
    ``F = sum_t J_t^T H_t J_t``, with ``H_t = diag(p_t) - p_t p_t^T``. One backward pass estimates the whole sum. With
    ``a_t`` a random combination of the logits at t that has mean 0 and ``E[a_t a_t^T] = H_t``, drawn for all positions
    at once, ``|| sum_t J_t^T a_t ||^2 = sum_t || J_t^T a_t ||^2 + sum_(t != u) a_t^T J_t J_u^T a_u``. The first sum has
    the expectation ``tr F``. The second has the expectation 0, as ``E[a_t a_u^T] = E[a_t] E[a_u]^T = 0``. Labels that
    are drawn for all positions at once are unbiased for the same reason: the score of each has mean 0. The cross terms
    add to the variance, which the stated errors hold.

    Args:
        classes: the axis of the classes, ``"last"`` or ``"second"``. None: the one that fits the labels; where both do,
            or the labels are not known, the last of three axes, ``(N, positions, classes)``, and the second of more,
            ``(N, classes, height, width)``.
    """

    name: ClassVar[str] = "categorical_per_position"
    citation: ClassVar[str] = "definition: Achille, Rovere and Soatto 2019, section 3; sum over positions: ours"
    shapes: ClassVar[str] = "float logits (N, positions, classes) or (N, classes, height, width)"
    summed: ClassVar[bool] = True
    classes: Literal["last", "second"] | None = None

    def understands(self, shape: Sequence[int]) -> bool:
        """At least three axes, with two classes or more."""
        return len(shape) >= 3 and max(shape[self._axis(shape, None)], shape[-1] if self.classes is None else 0) >= 2

    def view(self, output: Tensor, labels: Sequence[int] | None = None) -> Tensor:
        """``(N, positions..., classes)``."""
        return output.movedim(self._axis(output.shape, labels), -1)

    def check(self, labels: Tensor, output: Tensor, measure: str) -> None:
        """Raises StudyError unless the labels are whole numbers up to the last class."""
        self._whole(labels, measure)
        classes = output.shape[-1]
        if labels.numel() and labels.max() >= classes:
            raise StudyError(
                f"{measure}: labels: received {int(labels.max())}; must be from 0 to {classes - 1}, or negative at "
                "positions that do not count"
            )

    def mask(self, labels: Tensor) -> Tensor | None:
        """Positions whose label is not negative."""
        return self.counted(labels)

    def _axis(self, shape: Sequence[int], labels: Sequence[int] | None) -> int:
        if self.classes is not None:
            return 1 if self.classes == "second" else -1
        second, last = [shape[0], *shape[2:]], [*shape[:-1]]
        if labels is not None and second != last and list(labels) in (second, last):
            return 1 if list(labels) == second else -1
        return -1 if len(shape) == 3 else 1
