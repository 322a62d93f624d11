"""The verdict: is there a critical period, which named damages decide it, and what else could explain the curve?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from critlab._core.terminal.shown import Shown
from critlab.analysis.closing import Closing
from critlab.analysis.confounds.confound import Confound as Confound
from critlab.analysis.curve_notes import CurveNote
from critlab.analysis.effects.background import BackgroundEffect
from critlab.analysis.effects.intervention import InterventionEffect
from critlab.analysis.judgement.damages import Damage
from critlab.analysis.judgement.guards import Guard, Unconverged
from critlab.analysis.judgement.looks import Looks
from critlab.analysis.judgement.mixture import Mixture
from critlab.analysis.sources.ignored_source import SourceBalance
from critlab.analysis.sources.source_windows import PrimeWindows
from critlab.analysis.statistics import MINIMUM_SEEDS
from critlab.learning_tasks.metric import ACCURACY, Metric
from critlab.study.runs.missing_contrasts import MissingContrast
from critlab.study.sweeps import Sweep

Answer = Literal["present", "damage_only", "absent", "undecided", "running"]

Reason = Literal[
    "asks_when",
    "no_point",
    "no_pair",
    "few_seeds",
    "few_seeds_at_some_points",
    "no_results",
    "diverged",
    "missing_control",
    "equal_length",
    "length",
    "noise",
    "images",
    "together",
    "worst_seed",
]
"""Why a verdict is undecided, apart from its guards: the sweep asks when to switch, not whether damage lasts; no point
to test; no run done together with its control; fewer seeds than a verdict needs, everywhere or in some damages; a
damage without a single seed, because its runs failed or diverged in each; a run diverged; a control that the answer
needs is not part of the study; damage that clean runs of equal length do not rule out; runs with the deficit that train
longer than the control, so that longer training may hide damage; intervals that are too wide; intervals that the sample
of test images alone makes too wide; lasting damage, or damage at equal length, that is shown alone, but not together
with that of the other kind; a single seed that lost much, among too few seeds to exclude that some fail."""

OF_SEEDS: set[Reason] = {"few_seeds", "few_seeds_at_some_points", "noise", "together", "worst_seed"}
"""The reasons that more seeds may remove."""


@dataclass(frozen=True)
class Gain:
    """A point at which the deficit helps significantly: the interval of its lasting damage lies below 0."""

    damage: Damage


@dataclass(frozen=True)
class EqualDamages:
    """In some damages every seed has the same value.

    Args:
        rounded: whether the rounding of the test gives them an interval; without it they have none.
    """

    rounded: bool


Note = (
    Unconverged
    | Gain
    | EqualDamages
    | InterventionEffect
    | CurveNote
    | Mixture
    | BackgroundEffect
    | SourceBalance
    | PrimeWindows
)
"""What else a reader must know."""


@dataclass(frozen=True, repr=False)
class Verdict(Shown):
    """What a study shows: values only, which ``critlab.report.text`` puts into words.

    Args:
        answer: see :func:`critlab.analysis.judgement.judging.verdict`.
        arm: the curve that was judged.
        sweep: the kind of sweep.
        smallest_damage: the smallest damage of interest, in the unit of ``metric``.
        looks: at which level this look at the study is judged, and the looks before it.
        damages: every named damage, in the order of the study.
        evidence: the damages that decide: for ``present`` the critical ones above the smallest damage, else the
            lasting ones above it and those at equal length; the most significant first.
        missing: controls that the study does not have, and without which it cannot answer.
        seeds: those of the study.
        seeds_needed: how many seeds would probably decide; None where more seeds do not help, or nothing is known.
        hardest: the damage that more seeds would hardly decide; None where ``seeds_needed`` is given, or nothing is
            known.
        images_needed: how many test images would probably decide, with the seeds that there are, where more seeds would
            not; None where that is not known.
        without_results: the damages that the answer needs and of which no seed is done.
        epochs_a_seed: what one more seed costs; 0 unless ``seeds_needed`` is given.
        epochs: those of the whole study, each shared epoch once; 0 unless ``running``.
        epochs_left: epochs that are not trained yet; 0 unless ``running``.
        detectable_last: the lasting damage that these seeds detect with 80 % power at the last point of
            the sweep, if it is at no other; None with too few seeds.
        detectable_everywhere: the same if the damage is there at every point.
        closing: when half of the largest lasting damage is reached; None where there is no lasting damage, or at fewer
            than three points.
        damaged_points: at how many points of the sweep there is damage above 0, each alone.
        complete_seeds: how many seeds have every point of the sweep.
        confounds: other explanations of the damage.
        notes: what else a reader must know: benefits, effects of interventions, diverged and missing runs, the effect
            of the background, a source that the network has come to ignore.
        guards: what makes the sweep less informative than it seems.
        reasons: why the answer is ``undecided``; none for the other answers.
        minimum_seeds: the fewest seeds that a verdict needs.
        metric: in which damage is measured.
        own_loop: whether a user's own loop made the runs: then no study file has the keys that ``missing`` names.
    """

    answer: Answer
    arm: str
    sweep: Sweep
    smallest_damage: float
    looks: Looks
    damages: tuple[Damage, ...] = ()
    evidence: tuple[Damage, ...] = ()
    missing: tuple[MissingContrast, ...] = ()
    seeds: int = 0
    seeds_needed: int | None = None
    hardest: Damage | None = None
    images_needed: int | None = None
    without_results: tuple[Damage, ...] = ()
    epochs_a_seed: int = 0
    epochs: int = 0
    epochs_left: int = 0
    detectable_last: float | None = None
    detectable_everywhere: float | None = None
    closing: Closing | None = None
    damaged_points: int = 0
    complete_seeds: int = 0
    confounds: tuple[Confound, ...] = ()
    notes: tuple[Note, ...] = ()
    guards: tuple[Guard, ...] = ()
    reasons: tuple[Reason, ...] = ()
    minimum_seeds: int = MINIMUM_SEEDS
    metric: Metric = ACCURACY
    own_loop: bool = False

    @property
    def level(self) -> float:
        """One-sided level of each decision."""
        return self.looks.level

    @property
    def lasting(self) -> tuple[Damage, ...]:
        """The lasting damages of the sweep's points; where the study's own clock restarts, the harms."""
        found = tuple(one for one in self.damages if one.kind == "lasting")
        return found or tuple(one for one in self.damages if one.name == "harm")

    @property
    def critical(self) -> tuple[Damage, ...]:
        """The damages that decide whether there is a critical period."""
        return tuple(one for one in self.damages if one.kind == "critical")

    @property
    def critical_evidence(self) -> tuple[Damage, ...]:
        """The critical damages above the smallest damage of interest, whatever the answer."""
        return tuple(one for one in self.critical if one.exceeds)

    @property
    def is_period_closing(self) -> bool:
        """Whether ``closing`` is that of the critical period: its curve is one of harm, or of windows at one rate."""
        lasting = {one.at: one.seeds for one in self.lasting}
        return any(one.name == "timing" or lasting.get(one.at) == one.seeds for one in self.critical_evidence)

    @property
    def largest(self) -> Damage | None:
        """The largest lasting damage in the mean; None where nothing was measured."""
        return max((one for one in self.lasting if one.seeds), key=lambda one: one.estimated, default=None)

    @property
    def seeds_may_decide(self) -> bool:
        """Whether more seeds could decide an undecided study.

        Where a control is missing, a run diverged or a damage has no results, only where a critical damage of which
        seeds are done is neither shown nor excluded yet: none of these forbids "present". Longer training hides nothing
        once more seeds bound what it is worth.
        """
        open_critical = any(one.seeds and not one.exceeds and not one.bounded for one in self.critical)
        passed = {"missing_control", "diverged", "no_results"} if open_critical else set()
        stopped = set(self.reasons) - OF_SEEDS - passed
        stopped -= {"length"} if "noise" in self.reasons else set()
        return self.answer == "undecided" and bool(OF_SEEDS.intersection(self.reasons)) and not stopped

    def lines(self) -> list[str]:
        """The verdict in words, one line each; :mod:`critlab.report.text.judgement.verdict` writes them."""
        from critlab.report.text.judgement.verdict import verdict_lines

        return verdict_lines(self)
