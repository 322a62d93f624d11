"""What charts of theories and of fits say of their own numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from critlab.analysis.information.exponential_fit import ExponentialFit
from critlab.report.text.numbers import decimal, gained, listing, significant


def fit_sentence(fit: ExponentialFit) -> str:
    """What the line of a fit is, and how well it fits."""
    return f"The line is the exponential fit, R2 = {decimal(fit.r_squared, 2)}."


def settings_sentence(settings: Mapping[str, Any]) -> str:
    """Settings by their names: N, P, L, g, bias, noise, seed, mode, convergence, sampler and its error."""
    return "; ".join(f"{name} {value}" for name, value in settings.items()) + "."


def convergence_text(trusted: int, of: int) -> str:
    """How many solutions of a theory converged with enough effective draws."""
    return "all theory points converged" if trusted == of else f"{trusted} of {of} converged"


def sampler_text(method: str, chains: int, samples: int, rhat: float, effective: float, error: float) -> str:
    """A sampler with the worst R-hat, the fewest effective samples and the largest standard error of its runs."""
    return (
        f"{method}, {chains} chains x {samples}, R-hat at most {decimal(rhat, 3)}, ESS at least "
        f"{decimal(effective, 0)}, standard error up to {decimal(error, 4)}"
    )


def importance_text(networks: int, effective: float) -> str:
    """How many networks of the prior were drawn, and the fewest that count after weighing."""
    return f"importance, {networks} prior networks, at least {decimal(effective, 0)} effective"


def gap_sentence(variant: str, gap: float, at_half_the_step: float | None) -> str:
    """The largest gap between a flow and gradient descent, and the gap at half of the step where it is known."""
    half = "" if at_half_the_step is None else f", and {significant(at_half_the_step, 2)} at half of the step"
    return f"Largest gap between both: {significant(gap, 2)} ({variant}){half}."


def largest_gains_sentence(places: Sequence[tuple[int, float, float]]) -> str:
    """Where the gain of each depth is largest, as triples of depth, weight scale g and susceptibility chi."""
    found = [f"g = {g} (chi = {decimal(chi, 2)}) for L = {depth}" for depth, g, chi in places]
    return f"Largest gain at {', '.join(found)}." if found else ""


def shifts_sentence(shifts: Mapping[str, float]) -> str:
    """How far data move the mean of a kernel entry, by prior."""
    return f"The data move its mean by {listing([f'{gained(one)} for {prior}' for prior, one in shifts.items()])}."
