"""The theory of paper 4: kernels that the data have adapted, by forward-backward equations with width annealing."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from torch import Tensor

from critlab._core.errors import StudyError
from critlab._core.problems import shown
from critlab._core.threads import one_thread
from critlab.theory.kernels.averages.activations import Activation, Function
from critlab.theory.kernels.averages.gaussian import Mode, fixed_draws
from critlab.theory.kernels.averages.refinement import refined
from critlab.theory.kernels.model import Problem, checked_prior, checked_problem, one_of, positive, whole
from critlab.theory.kernels.prior import propagated
from critlab.theory.kernels.sampling.annealing import Attempt, Step, annealed

MODES = ("tilted", "leading")
HALVINGS = (64, 32, 16, 8, 4, 2, 1)
HALVINGS_DEEP = (16, 8, 4, 2, 1)
TRUSTED_SHARE = 1 / 20
"""Below this share of effective draws an importance average is not to be trusted."""


class NotConverged(UserWarning):
    """An answer that did not reach what was asked of it, and says so in its fields as well."""


@dataclass(frozen=True)
class Adaptation:
    """Kernels at the maximum of the posterior, as the theory has them.

    Args:
        kernels: C^0 .. C^L, float64 ``(P, P)`` each.
        conjugates: T^1 .. T^L, ``(P, P)`` each, symmetric; every entry counts, off-diagonal pairs twice.
        converged: whether the last change is within the tolerance at the width asked for.
        history: one :class:`~critlab.theory.kernels.sampling.annealing.Step` for every width on the way: width,
            sweeps, last relative change, damping; and one for every sweep over all batches.
        effective_draws: ``1 / sum w^2`` of every layer 1 .. L, out of ``draws``, mean of all batches; a high value
            does not prove that the branch of the solution is right.
        draws: M, of one batch.
        batches: how many batches of draws the kernels are a mean over.
        mode: "tilted" or "leading".
        trusted: converged, with at least a twentieth of the draws effective in every layer.
    """

    kernels: list[Tensor]
    conjugates: list[Tensor]
    converged: bool
    history: list[Step]
    effective_draws: list[float]
    draws: int
    batches: int
    mode: Mode
    trusted: bool


@dataclass(frozen=True)
class Solver:
    """How the equations of :func:`adapted_kernels` are solved.

    Args:
        mode: "tilted" (more accurate) or "leading".
        draws: M, at least 2 P, not counting their mirror images. Use 16000 for four layers or more.
        seed: keys the draws.
        tolerance: the largest relative change of a kernel in one undamped sweep, at the solution.
        widths: falling widths on the way, the last one ``width``; None is ``width`` times 64, 32 .. 1, from three
            layers on 16, 8 .. 1. Deep networks near the edge need fine steps.
        damping: the share of the new kernel in each sweep, at most 1.
        sweeps: the most sweeps at one width.
        total: the most sweeps over all widths.
        batches: the solution is a mean over this many batches of ``draws`` draws; 1 skips the refinement.
    """

    mode: str = "tilted"
    draws: int = 8000
    seed: int = 0
    tolerance: float = 1e-6
    widths: Sequence[float] | None = None
    damping: float = 0.3
    sweeps: int = 500
    total: int = 3000
    batches: int = 64


@one_thread()
def adapted_kernels(
    inputs: Any,
    targets: Any,
    *,
    depth: int,
    width: int,
    weight_scale: float = 1.0,
    input_scale: float | None = None,
    readout_scale: float | None = None,
    bias_scale: float = 0.5,
    noise: float = 0.1,
    activation: str | Function | Activation = "erf",
    solver: Solver | None = None,
    **options: Any,
) -> Adaptation:
    """The kernels of a network of finite width, adapted to its data: the maximum a posteriori (MAP) of all layers.

    Makes the action (:mod:`critlab.theory.kernels.sampling.action`) stationary in all kernels C^l and conjugates T^l::

        T^L = (A^-1 Y Y^T A^-1 - A^-1) / 2,  A = C^L + kappa           the data
        T^{l-1} = gradient of N ln < exp((g_l/N) phi^T T^l phi) > by C^{l-1}     backward
        C^l = g_l < phi phi^T >_l + g_b                                 forward

    where < >_l is over ``N(0, C^{l-1}) exp((g_l/N) phi^T T^l phi)``. "leading" keeps the first order in 1/N of each
    layer. Averages are over fixed draws; the width falls from infinity to ``width`` in steps, each solved by damped
    sweeps from the last solution. The last one is then solved for the mean over many batches of draws
    (:func:`critlab.theory.kernels.averages.refinement.refined`).

    Args:
        inputs: ``(P, D)``, P at least 2, no point twice.
        targets: Y, ``(P,)`` or ``(P, K)``.
        depth: L, the number of hidden layers, at least 1.
        width: N of every hidden layer.
        weight_scale: g of the hidden layers.
        input_scale: g_0; None is ``weight_scale``.
        readout_scale: g_L; None is ``weight_scale``.
        bias_scale: g_b of every layer.
        noise: kappa, variance of the noise on the targets, above 0.
        activation: as in :func:`critlab.theory.kernels.prior_kernels`.
        solver: how the equations are solved; None is ``Solver()``.
        options: fields of :class:`Solver` by name, which replace those of ``solver``.

    Returns:
        The adaptation; where it is not trusted, with a :class:`NotConverged` warning as well.

    Raises:
        StudyError: data or a number out of range.
        TypeError: an option that :class:`Solver` does not have.
        Diverged: the sweeps move away from every solution, also with finer steps; the message says what to do.

    Error: Monte Carlo: the alignment of one batch scatters by 0.0004 at P = 12, L = 1, by 0.0014 at P = 24, L = 2 or
    P = 40, that of the default 64 by an eighth of that; none for "linear". The theory itself is exact to first order
    in P/N only (see ``docs/findings/kernels.md``).
    Cost: a sweep is of order L M P^2, some hundred over one batch and four over all; memory about 8 M P numbers. Sweeps
    that go round in circles end after 100 without progress, and all sweeps over one batch together are at most
    ``total``. What takes over two seconds reports width, sweep and change on standard error.
    Source: Fischer et al. 2024 (arXiv 2405.10761) for the approach; the equations above are our own derivation.
    """
    how = replace(solver or Solver(), **options)
    prior = checked_prior(depth, weight_scale, input_scale, readout_scale, bias_scale, activation)
    problem = checked_problem(inputs, targets, prior, width, noise)
    points = len(problem.targets)
    chosen = cast(Mode, one_of("mode", how.mode, MODES))
    count = whole("draws", how.draws, 2 * points)
    attempt = Attempt(
        mode=chosen,
        normal=fixed_draws(count, points, whole("seed", how.seed, 0)),
        seed=int(how.seed),
        tolerance=positive("tolerance", how.tolerance),
        damping=_share("damping", how.damping),
        sweeps=whole("sweeps", how.sweeps, 1),
        total=whole("total", how.total, 1),
    )
    several = 1 if prior.activation.linear else whole("batches", how.batches, 1)
    start = propagated(problem.kernel, prior)
    with attempt.progress:
        state, history = annealed(problem, attempt, start, _widths(problem, how.widths))
        averaged = several > 1 and history[-1].change <= attempt.tolerance
        if averaged:
            state, rounds = refined(problem, attempt, state, float(problem.width), several)
            history += rounds
    converged = history[-1].change <= how.tolerance
    trusted = converged and min(state.effective) >= TRUSTED_SHARE * count
    if not trusted:
        text = _warning(history[-1], how.tolerance, state.effective, count, averaged)
        warnings.warn(text, NotConverged, stacklevel=3)
    found = (state.kernels, state.conjugates, converged, history, state.effective)
    return Adaptation(*found, draws=count, batches=several, mode=chosen, trusted=trusted)


def _share(field: str, value: float) -> float:
    if positive(field, value) > 1:
        raise StudyError(f"{field}: received {shown(value)}; must be above 0 and at most 1")
    return float(value)


def _widths(problem: Problem, widths: Sequence[float] | None) -> list[float]:
    if widths is None:
        factors = HALVINGS if problem.prior.depth <= 2 else HALVINGS_DEEP
        return [float(problem.width * factor) for factor in factors]
    if not isinstance(widths, Sequence):
        raise StudyError(f"widths: received {shown(widths)}; must be a list of falling widths")
    steps = [positive("widths", width) for width in widths]
    return [step for step in steps if step > problem.width] + [float(problem.width)]


def _warning(last: Step, tolerance: float, effective: Sequence[float], draws: int, averaged: bool) -> str:
    if last.change > tolerance:
        what = f"the kernels still change by {last.change:.1e} (tolerance {tolerance:g}) after {last.sweeps} sweeps"
        if last.change == float("inf"):
            what, advice = f"all {last.sweeps} sweeps (total) are used up before it", "finer widths or a larger total"
        elif averaged:
            what, advice = f"the mean over batches of draws still changes by {last.change:.1e}", "more draws"
        else:
            advice = "finer widths, less damping or more sweeps"
        return f"adapted_kernels: not converged at width {last.width:g}: {what}; give {advice}"
    return (
        f"adapted_kernels: only {min(effective):.0f} of {draws} draws are effective, fewer than a twentieth; "
        "give more draws or a larger width"
    )
