"""What else could explain a curve: every confound of a verdict.

Each question is asked at the judged points (those with significant damage; without any, the one of largest
damage): every seed's values are averaged over these points, and the seeds give a mean with a 95 % t interval.
The thresholds that turn intervals into a status are ours and stand in each function.
"""

from __future__ import annotations

from collections.abc import Sequence

from critlab.analysis.confounds.confound import Confound, by_seed, mean
from critlab.analysis.confounds.equal_total import equal_total
from critlab.analysis.confounds.learning_rate import clocks, onset
from critlab.analysis.confounds.negative_control import negative_controls
from critlab.analysis.confounds.timing import timing
from critlab.analysis.confounds.training_accuracy import training_accuracy
from critlab.analysis.curve import Curve, Place
from critlab.analysis.study_table import StudyTable


def confounds(results: StudyTable, main: Curve, judged: Sequence[Place]) -> tuple[Confound, ...]:
    """The confounds of the curve ``main`` at the ``judged`` points; none where there is no damage."""
    damage = mean(by_seed(main, judged))
    if not judged or (damage is not None and damage.mean <= 0):
        return ()
    found: list[Confound] = [training_accuracy(main, judged), *negative_controls(results, main, judged)]
    found += [*clocks(results, main, judged), *equal_total(results, main, judged)]
    if main.sweep.rate_differs_by_point:
        found += [*timing(main, results.study.statistics.smallest_damage), *onset(results)]
    return tuple(found)
