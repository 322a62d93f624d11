"""What else could explain a curve: every confound of a verdict.

Each question is asked at the judged points (those with significant damage; without any, the one of largest
damage): every seed's values are averaged over these points, and the seeds give a mean and a share of the damage.
:mod:`critlab.analysis.confounds.quoting` gives them intervals that hold at points so chosen.
"""

from __future__ import annotations

from collections.abc import Sequence

from critlab.analysis.confounds.confound import Confound
from critlab.analysis.confounds.delay import delays
from critlab.analysis.confounds.equal_total import equal_total
from critlab.analysis.confounds.learning_rate import clocks, onset
from critlab.analysis.confounds.negative_control import negative_controls
from critlab.analysis.confounds.quoting import Quoting
from critlab.analysis.confounds.training_score import training_score
from critlab.analysis.curve import Curve, Place
from critlab.analysis.judgement.damages import Damage
from critlab.analysis.tables.study_table import StudyTable


def confounds(
    results: StudyTable, main: Curve, judged: Sequence[Place], damages: Sequence[Damage]
) -> tuple[Confound, ...]:
    """The confounds of the curve ``main`` at the ``judged`` points; none where there are no points.

    Args:
        results: of the study.
        main: the curve of its own deficit.
        judged: points of it.
        damages: the named damages of the study.
    """
    if not judged:
        return ()
    quoting = Quoting(results, damages)
    found: list[Confound] = [*delays(quoting), training_score(quoting, main, judged)]
    found += [*negative_controls(quoting, main, judged), *clocks(quoting, main, judged)]
    found += [*equal_total(quoting, main, judged)]
    if main.sweep.rate_differs_by_point:
        found += [*onset(results)]
    return tuple(found)
