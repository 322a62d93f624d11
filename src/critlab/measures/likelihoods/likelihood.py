"""The contract of a likelihood: how the labels of an example are distributed, given what the model puts out for it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol

from critlab._core.component import Component

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Coefficients(Protocol):
    """Random combinations of an output's numbers, whose squared gradients are on average the Fisher information."""

    #: float64 ``()``: about proportional to the expectation; no sign has a part in it
    uncertainty: Tensor

    def drawn(self, generator: torch.Generator) -> Tensor:
        """The coefficients of one combination, over ``sqrt(uncertainty)``, in the shape of the output."""


class Score(NamedTuple):
    """The gradient of the log-probability of labels in the output is ``along * sqrt(scale)``.

    Args:
        along: in shape and dtype of the output; at most about 1.
        scale: float64 ``()``: a gradient may be below the smallest number of the output's dtype.
    """

    along: Tensor
    scale: Tensor


class Likelihood(Component):
    """A frozen value that says how labels are distributed given an output.

    Every method but :meth:`understands` and :meth:`view` takes the *viewed* output ``(N, labels..., numbers)``: an
    example has one or several labels (heads, outputs, positions), each with the numbers of its own distribution. Given
    the output, the labels are independent.

    The Fisher information of the weights w is ``F = E_x[J^T H J]``, with J the derivatives of the output in w and H the
    Fisher information of the output, which is a block for each label. A likelihood knows a root of H. For random signs
    s, ``a = H^(1/2) s`` has ``E[a a^T] = H``, so the squared gradient of ``a . output`` has the expectation
    ``tr(J^T H J)``: no label is drawn, and every value that a label can have takes part. One sign for each number
    serves all labels of an example, and all examples of a batch, at once: the cross terms have mean zero.

    A distribution with a diagonal H is a :class:`DiagonalLikelihood`, which needs little more than the roots of it.
    """

    #: which outputs it understands, for messages; N stands for the number of examples
    shapes: ClassVar[str] = "float outputs (N,) or (N, labels)"
    #: whether exact sums take the place of random signs where they need no more backward passes
    summed: ClassVar[bool] = True

    def understands(self, shape: Sequence[int]) -> bool:
        """Whether an output of this shape, examples along axis 0, can have this likelihood."""
        return len(shape) >= 1

    def view(self, output: Tensor, labels: Sequence[int] | None = None) -> Tensor:
        """``(N, labels..., numbers)``.

        Args:
            output: of a shape that :meth:`understands` accepts.
            labels: the shape of labels or mask, where it is known.
        """
        return (output if output.ndim > 1 else output[:, None])[..., None]

    def takes(self, shape: Sequence[int], labels: Sequence[int]) -> bool:
        """Whether a viewed output of this shape has labels of that one; axes of length 1 may be left out."""
        return [*shape[:1]] == [*labels[:1]] and _long(shape[:-1]) == _long(labels)

    def check(self, labels: Tensor, output: Tensor, measure: str) -> None:
        """Raises StudyError where labels, ``(N, labels...)``, have values that such labels cannot have."""

    def counted(self, labels: Tensor) -> Tensor:
        """Bool ``(N, labels...)``: which labels count; the others are missing."""
        return labels == labels

    def mask(self, labels: Tensor) -> Tensor | None:
        """Which labels count in a measurement that does without their values; None where all do."""
        return self.counted(labels)

    def normalised(self, output: Tensor) -> Tensor:
        """The output with what is free in it fixed, so that equal outputs mean equal distributions."""
        return output

    @abstractmethod
    def coefficients(self, output: Tensor, counted: Tensor | None = None) -> Coefficients:
        """Random combinations of the output's numbers, over signs unbiased for the Fisher information.

        Args:
            output: without a graph.
            counted: bool ``(N, labels...)``: the others have no coefficients; None is all.
        """

    @abstractmethod
    def columns(self, output: Tensor, counted: Tensor | None = None) -> Iterator[Tensor]:
        """Combinations whose squared gradients add up to the Fisher information exactly; examples do not mix.

        Args:
            output: normalised, without a graph.
            counted: as for :meth:`coefficients`.

        Cost: ``output[0].numel()`` of them.
        """

    def score(self, output: Tensor, labels: Tensor) -> Score:
        """The gradient of the log-probability of ``labels``, ``(N, labels...)``, in the output."""
        slope = _slope(lambda free: self.negative_log_likelihood(free, labels), output).neg()
        largest = slope.abs().max()
        scale = largest.where(largest > 0, largest.new_ones(()))
        return Score((slope / scale).to(output.dtype), scale.square())

    def answers(self, output: Tensor) -> Tensor:
        """What :meth:`divergence_slope` counts from, of a normalised output without a graph."""
        return output

    def divergence_slope(self, output: Tensor, answers: Tensor) -> Tensor:
        """The gradient in the output of its Kullback-Leibler divergence from :meth:`answers` of another."""
        return _slope(lambda free: self.cross_entropy(free, answers.double()), output).to(output.dtype)

    def label_slope(self, output: Tensor, labels: Tensor) -> Tensor:
        """The gradient in the output of the negative log-likelihood of ``labels``, ``(N, labels...)``."""
        return _slope(lambda free: self.negative_log_likelihood(free, labels), output).to(output.dtype)

    def entropy(self, output: Tensor) -> Tensor:
        """``(N, labels...)``: the entropy of each label, in nats; of real numbers the differential one."""
        return self.cross_entropy(output, output)

    @abstractmethod
    def negative_log_likelihood(self, output: Tensor, labels: Tensor) -> Tensor:
        """``(N, labels...)``, in nats; 0 where a label is missing.

        Args:
            output: float32 or float64, with or without a graph.
            labels: ``(N, labels...)``, as :meth:`draw` gives them.
        """

    @abstractmethod
    def cross_entropy(self, output: Tensor, answers: Tensor) -> Tensor:
        """``(N, labels...)``: the expectation of the negative log-likelihood, over labels of the output ``answers``."""

    @abstractmethod
    def draw(self, output: Tensor, generator: torch.Generator) -> Tensor:
        """Labels ``(N, labels...)`` drawn from the model; the generator, on any device, advances."""


class DiagonalLikelihood(Likelihood):
    """A likelihood whose H is diagonal, with one number for each label unless :meth:`view` says otherwise.

    A subclass gives ``name`` and ``shapes`` and implements :meth:`roots`, :meth:`negative_log_likelihood`,
    :meth:`cross_entropy` and :meth:`draw`.
    """

    @abstractmethod
    def roots(self, output: Tensor) -> Tensor:
        """The roots of the diagonal of H, in shape and dtype of ``output``, which is float64."""

    def coefficients(self, output: Tensor, counted: Tensor | None = None) -> Coefficients:
        """A random sign for each number."""
        from critlab.measures.likelihoods.signs import DiagonalSigns

        return DiagonalSigns(self._roots(output, counted), output.dtype)

    def columns(self, output: Tensor, counted: Tensor | None = None) -> Iterator[Tensor]:
        """One for each number."""
        import torch

        roots = self._roots(output, counted).to(output.dtype).flatten(1)
        for number in range(roots.shape[1]):
            along = torch.zeros_like(roots)
            along[:, number] = roots[:, number]
            yield along.view_as(output)

    def _roots(self, output: Tensor, counted: Tensor | None) -> Tensor:
        roots = self.roots(output.double())
        return roots if counted is None else roots * counted[..., None]


def _slope(loss: Callable[[Tensor], Tensor], output: Tensor) -> Tensor:
    """The gradient of the sum of ``loss`` at ``output``, in float64."""
    import torch

    with torch.enable_grad():
        free = output.detach().double().requires_grad_()
        (slope,) = torch.autograd.grad(loss(free).sum(), free)
    return slope


def _long(shape: Sequence[int]) -> list[int]:
    return [length for length in shape[1:] if length != 1]
