"""What an intervention at removal mends, said in words with numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from critlab.analysis.confounds.confound import by_seed, difference, mean
from critlab.analysis.curve import Curve, Place, curve
from critlab.analysis.wording import described, places

if TYPE_CHECKING:
    from critlab.analysis.results import Results
    from critlab.study.run import Run


def intervention_effect(results: Results, main: Curve, judged: Sequence[Place]) -> Iterator[str]:
    """One sentence for each intervention at the judged points: what is left of the damage, and what it mends.

    Damage is counted from the plain control, and from clean runs that got the same intervention at the same epoch: an
    intervention may help, or hurt, the clean network as well. The study's own intervention comes first, the further
    ones of ``[controls]`` after it.
    """
    swept = [run for run in results.study.runs if run.role in ("deficit", "intervention_control")]
    arms = {run.arm: run for run in swept if run.role == "intervention_control" or run.intervention is not None}
    for arm, run in arms.items():
        sentence = _sentence(results, main, arm, run, judged)
        if sentence:
            yield sentence


def _sentence(results: Results, main: Curve, arm: str, run: Run, judged: Sequence[Place]) -> str:
    own = curve(results, arm, "plain")
    shared = [at for at in judged if any(at == point.at for point in own.tested)]
    left = mean(by_seed(own, shared))
    if not shared or left is None:
        return ""
    what = run.intervention.words() if run.intervention else "no intervention"
    said = f"With {what} the damage is {described(left, of='accuracy')} at {places(main.sweep, shared)}"
    if run.intervention is not None:
        likewise = mean(by_seed(curve(results, arm, "intervened"), shared))
        said += f", {described(likewise)} against clean runs that got it too" if likewise else ""
    mended = difference(by_seed(curve(results, main.arm, "plain"), shared), by_seed(own, shared))
    if arm != main.arm and mended is not None:
        said += f"; beside {main.arm} it mends {described(mended)}"
    return f"{said}."
