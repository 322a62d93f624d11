"""What else a reader of a verdict must know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from critlab.analysis.curve import Curve, Place
from critlab.analysis.effects.background import background_effect
from critlab.analysis.effects.intervention import intervention_effects
from critlab.analysis.judgement.guards import Unconverged
from critlab.analysis.judgement.mixture import mixture
from critlab.analysis.judgement.verdict import EqualDamages, Gain, Note, Verdict
from critlab.analysis.sources.ignored_source import source_balances
from critlab.analysis.sources.source_windows import prime_windows
from critlab.analysis.tables.study_table import StudyTable
from critlab.analysis.test_images import least_sd


def notes(
    results: StudyTable, main: Curve, verdict: Verdict, at: Sequence[Place], unconverged: Unconverged | None
) -> Iterator[Note]:
    """The notes of a verdict, of which the damages are known.

    Args:
        results: of the study.
        main: the curve that is judged.
        verdict: with its damages.
        at: the points that confounds are about.
        unconverged: whether the control is still learning.
    """
    if unconverged is not None:
        yield unconverged
    for one in verdict.lasting:
        if one.helps:
            yield Gain(one)
    if any(one.decidable and len(set(one.seeds.values())) == 1 for one in verdict.damages):
        yield EqualDamages(least_sd(results) > 0)
    yield from intervention_effects(results, main, at, verdict.damages)
    yield from main.notes
    for found in (mixture(results), background_effect(results)):
        if found is not None:
            yield found
    yield from source_balances(results)
    windows = prime_windows(results)
    if windows is not None:
        yield windows
