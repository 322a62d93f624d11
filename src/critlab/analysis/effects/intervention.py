"""What an intervention after the deficit leaves of the damage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from critlab.analysis.confounds.confound import shared_places
from critlab.analysis.confounds.quantity import damage_of
from critlab.analysis.confounds.quoting import Quoting
from critlab.analysis.curve import Curve, Place, curve
from critlab.analysis.judgement.damages import Damage
from critlab.analysis.statistics import Summary
from critlab.analysis.tables.study_table import StudyTable
from critlab.study.ingredients.intervention import Intervention
from critlab.study.runs.run import Run


@dataclass(frozen=True)
class InterventionEffect:
    """The damage that remains where the network gets an intervention when the window closes.

    Args:
        arm: the curve with the intervention.
        intervention: what is done; None where the study's own intervention is left out.
        at: the judged points over which the numbers are averaged.
        effect: the damage that remains, compared with the plain control.
        against_intervened: the same compared with clean runs that get the intervention too; an intervention may help,
            or hurt, the clean network as well.
        removed: the damage of the study's own curve minus that which remains, paired by seed; None for that curve.
        compared_arm: the study's own curve.
    """

    arm: str
    intervention: Intervention | None
    at: tuple[Place, ...]
    effect: Summary
    against_intervened: Summary | None
    removed: Summary | None
    compared_arm: str


def intervention_effects(
    results: StudyTable, main: Curve, judged: Sequence[Place], damages: Sequence[Damage]
) -> Iterator[InterventionEffect]:
    """One finding for each intervention with results at judged points.

    The study's own intervention comes first, the further ones of ``[controls]`` after it.

    Args:
        results: of the study.
        main: the curve of its own deficit.
        judged: points of it.
        damages: the named damages of the study, whose intervals are quoted where a number is one of them.
    """
    quoting = Quoting(results, damages)
    swept = [run for run in results.study.runs if run.role in ("deficit", "intervention_control")]
    arms = {run.arm: run for run in swept if run.role == "intervention_control" or run.intervention is not None}
    for arm, run in arms.items():
        found = _effect(quoting, main, arm, run, judged)
        if found is not None:
            yield found


def _effect(quoting: Quoting, main: Curve, arm: str, run: Run, judged: Sequence[Place]) -> InterventionEffect | None:
    results = quoting.results
    own = curve(results, arm, "plain")
    shared = shared_places(judged, own)
    left = quoting.mean(damage_of(own), shared)
    if left is None:
        return None
    same = None if run.intervention is None else damage_of(curve(results, arm, "intervened"))
    removed = damage_of(curve(results, main.arm, "plain")) - damage_of(own)
    return InterventionEffect(
        arm=arm,
        intervention=run.intervention,
        at=shared,
        effect=left,
        against_intervened=None if same is None else quoting.mean(same, shared),
        removed=quoting.mean(removed, shared) if arm != main.arm else None,
        compared_arm=main.arm,
    )
