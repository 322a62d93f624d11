"""One class out of several for each label: the likelihood of a classifier."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from critlab._core.errors import StudyError
from critlab.measures.likelihoods.likelihood import Coefficients, Likelihood, Score

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Categorical(Likelihood):
    """One class out of several, by the softmax of logits; several heads are independent.

    ``H = diag(p) - p p^T`` for each head. Labels are int64 ``(N,)`` or ``(N, heads)``; -1 is a missing one. The Fisher
    measures count every head, whether its label is missing or not.
    """

    name: ClassVar[str] = "categorical"
    citation: ClassVar[str] = "Achille, Rovere and Soatto 2019, section 3; signs of all labels: ours"
    shapes: ClassVar[str] = "float logits (N, classes) or (N, heads, classes)"
    summed: ClassVar[bool] = False

    def understands(self, shape: Sequence[int]) -> bool:
        """``(N, classes)`` or ``(N, heads, classes)`` with at least two classes: of one, the probability is 1."""
        return len(shape) in (2, 3) and shape[-1] >= 2

    def view(self, output: Tensor, labels: Sequence[int] | None = None) -> Tensor:
        """The output itself."""
        return output

    def takes(self, shape: Sequence[int], labels: Sequence[int]) -> bool:
        """Labels have the shape of the output without its classes."""
        return [*shape[:-1]] == [*labels]

    def check(self, labels: Tensor, output: Tensor, measure: str) -> None:
        """Raises StudyError unless the labels are whole numbers from -1 to the last class."""
        self._whole(labels, measure)
        classes = output.shape[-1]
        if labels.numel() and not -1 <= labels.min() <= labels.max() < classes:
            raise StudyError(
                f"{measure}: labels: received {int(labels.min())} to {int(labels.max())}; "
                f"must be from 0 to {classes - 1}, or -1 where there is no label"
            )

    def counted(self, labels: Tensor) -> Tensor:
        """Those that are not negative."""
        return labels >= 0

    def mask(self, labels: Tensor) -> Tensor | None:
        """None: every head counts."""
        return None

    def normalised(self, output: Tensor) -> Tensor:
        """Log-probabilities, which are logits too."""
        return output.log_softmax(-1)

    def coefficients(self, output: Tensor, counted: Tensor | None = None) -> Coefficients:
        """See :class:`~critlab.measures.likelihoods.signs.Combinations`."""
        from critlab.measures.likelihoods.signs import Combinations

        return Combinations(output if counted is None else _sure(output, counted))

    def columns(self, output: Tensor, counted: Tensor | None = None) -> Iterator[Tensor]:
        """One for each class of each head: with p the probabilities, ``H = sum_k p_k g_k g_k^T`` for the gradients
        ``g_k`` of ``log p_k``."""
        import torch

        roots = output.div(2).exp()
        roots = (roots if counted is None else roots * counted[..., None]).flatten(1)
        for label in range(roots.shape[1]):
            along = torch.zeros_like(roots)
            along[:, label] = roots[:, label]
            yield along.view_as(output)

    def score(self, output: Tensor, labels: Tensor) -> Score:
        """In which nothing cancels, however sure the model is."""
        import torch

        log_p = output.log_softmax(-1)
        chosen = labels.clamp(min=0)[..., None]
        others = log_p.scatter(-1, chosen, -torch.inf)
        largest = others.logsumexp(-1).max().nan_to_num(neginf=0.0)
        along = -(others - largest).exp()
        along = along.scatter(-1, chosen, -along.sum(-1, keepdim=True))
        return Score(along * (labels >= 0)[..., None], (2 * largest.double()).exp())

    def answers(self, output: Tensor) -> Tensor:
        """Probabilities."""
        return output.exp()

    def divergence_slope(self, output: Tensor, answers: Tensor) -> Tensor:
        """``p - q`` for answers q, whose likeliest class has the rest of the others.

        In its own ``p - q`` all digits cancel where the model is sure. So the slope adds up to 0, and is that in the
        log-probabilities too.
        """
        return _balanced(output.exp() - answers, answers.argmax(-1, keepdim=True))

    def label_slope(self, output: Tensor, labels: Tensor) -> Tensor:
        """``p``, less 1 at the label; as :meth:`divergence_slope`."""
        return _balanced(output.exp() * (labels >= 0)[..., None], labels.clamp(min=0)[..., None])

    def negative_log_likelihood(self, output: Tensor, labels: Tensor) -> Tensor:
        """Minus the log-probability of the label; 0 where it is negative."""
        log_p = output.log_softmax(-1)
        chosen = log_p.gather(-1, labels.clamp(min=0)[..., None])[..., 0]
        return -chosen.where(labels >= 0, chosen.new_zeros(()))

    def cross_entropy(self, output: Tensor, answers: Tensor) -> Tensor:
        """A class that is ruled out has no share, although its logarithm is infinite."""
        import torch

        log_p = output.log_softmax(-1)
        other = log_p if answers is output else answers.log_softmax(-1)
        return -(other.exp() * log_p.clamp(min=torch.finfo(log_p.dtype).min)).sum(-1)

    def draw(self, output: Tensor, generator: torch.Generator) -> Tensor:
        """Int64 ``(N,)`` or ``(N, heads)``."""
        import torch

        p = output.detach().softmax(-1, dtype=torch.float64)
        drawn = torch.multinomial(p.flatten(0, -2).to(generator.device), 1, generator=generator)
        return drawn.view(output.shape[:-1]).to(output.device)

    def _whole(self, labels: Tensor, measure: str) -> None:
        if labels.is_floating_point() or labels.is_complex():
            raise StudyError(
                f"{measure}: labels: received {labels.dtype}; must be whole numbers, the classes; "
                "for real numbers use likelihood='gaussian'"
            )


def _balanced(slope: Tensor, top: Tensor) -> Tensor:
    others = slope.scatter(-1, top, 0)
    return others.scatter(-1, top, -others.sum(-1, keepdim=True))


def _sure(output: Tensor, counted: Tensor) -> Tensor:
    """Logits that rule out all classes but the first where a label does not count, so that it has no coefficients."""
    import torch

    ruled_out = torch.full_like(output[:1], -torch.inf)
    ruled_out[..., 0] = 0
    return torch.where(counted[..., None], output, ruled_out)
