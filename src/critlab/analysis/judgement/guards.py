"""What makes a sweep say less than it seems to: a control that learned nothing, or that is still learning."""

from __future__ import annotations

from dataclasses import dataclass, replace

from critlab.analysis.judgement.convergence import Where, comparison
from critlab.analysis.statistics import MINIMUM_SEEDS, RESOLUTION, Summary, scale_of, summarise
from critlab.analysis.tables.study_table import StudyTable
from critlab.analysis.test_images import image_variance, least_sd
from critlab.learning_tasks import CLASSIFICATION
from critlab.learning_tasks.metric import ACCURACY, Metric
from critlab.study.ingredients.measurement import convergence_window
from critlab.study.runs.run import Run


@dataclass(frozen=True)
class AtChance:
    """The control does not do better than a network that always gives the same answer, so nothing can be damaged.

    Args:
        score: final test score of the clean runs over seeds.
        chance: what the best constant answer reaches; of accuracy the share of the test images that bear the most
            frequent label, 1 where all bear the same.
        needed: by how much the score must be better than chance, the smallest damage of interest.
        metric: in which all are measured.
    """

    score: Summary
    chance: float
    needed: float
    metric: Metric = ACCURACY

    @property
    def rounding(self) -> float:
        """Smaller leads are rounding."""
        return RESOLUTION * scale_of([self.score.mean, self.chance])

    @property
    def lead(self) -> Summary:
        """By how much the clean runs are better than the constant answer."""
        sign, score = self.metric.sign, self.score
        limits = [None if one is None else sign * (one - self.chance) for one in (score.low, score.high)]
        low, high = limits if sign > 0 else reversed(limits)
        return replace(score, mean=sign * (score.mean - self.chance), low=low, high=high)


@dataclass(frozen=True)
class Constant:
    """Every run has the same test score after every epoch, so the test shows neither learning nor damage.

    Args:
        score: that value.
        metric: of which.
    """

    score: float
    metric: Metric = ACCURACY


@dataclass(frozen=True)
class Unconverged:
    """The control's test score still improves by more than the smallest damage of interest.

    Args:
        rise: by how much it improves over a last third of epochs, over seeds.
        start: the epoch at which that third begins.
        end: the epoch at which it ends.
        longer: whether runs with the deficit train for more epochs than the control.
        has_equal_total: whether the study has clean runs of equal length to compare with.
        where: the last third of what.
        metric: of the score.
    """

    rise: Summary
    start: int
    end: int
    longer: bool
    has_equal_total: bool = False
    where: Where = "last_third"
    metric: Metric = ACCURACY


Guard = AtChance | Constant | Unconverged


def unlearned(results: StudyTable) -> AtChance | Constant | None:
    """Whether the longest clean run learned nothing; None where it did, or where no seed of it is done.

    At chance: over at least three seeds the 95 % interval of its final score reaches down to chance, or its mean is
    better than chance by less than the smallest damage of interest. Chance is known where the store or the data set's
    name says how the test labels are distributed; where it is not, only :class:`Constant` can be found.
    """
    control = max(_plain(results), key=lambda run: run.total, default=None)
    finals = [] if control is None else _finals(results, control)
    if control is None or not finals:
        return None
    images = image_variance(results, ((1, control.name),))
    score = summarise(finals, least_sd(results, 1), images, scale=scale_of(finals))
    chance = _chance(results)
    needed = results.study.statistics.smallest_damage
    if chance is not None:
        guard = AtChance(score, chance, needed, results.metric)
        lead = guard.lead
        unsure = lead.n >= MINIMUM_SEEDS and lead.low is not None and lead.low <= guard.rounding
        if unsure or lead.mean < needed - guard.rounding:
            return guard
    return None if chance is not None else _constant(results)


def _constant(results: StudyTable) -> Constant | None:
    values = [value for run in results.run_named.values() for one in _series(results, run) for value in one.values()]
    runs = sum(outcome.status == "done" for outcome in results.outcomes)
    if len(values) <= runs or max(values) - min(values) >= RESOLUTION * scale_of(values):
        return None
    return Constant(values[0], results.metric)


def unconverged(results: StudyTable) -> Unconverged | None:
    """Whether the shortest clean run is still learning; None where it is not, or is too short or too noisy to decide.

    The rise is how much better the mean test score of the last epochs is than that of as many epochs up to the
    beginning of the last third, of those that were tested; over as many as the final score is read from, and at most a
    third. Which third it is depends on the learning rate, see
    :func:`critlab.analysis.judgement.convergence.comparison`. With several seeds the lower limit of the 95 % interval
    of the rise must be above 0 too. Ours.
    """
    window = convergence_window(results.study)
    series = [] if window is None else _series(results, window.run)
    compared = comparison(results.study, set[int]().union(*series))
    if compared is None:
        return None
    control, rises = compared.run, []
    for of_seed in series:
        late, early = (
            [of_seed[end - back] for back in range(compared.width) if end - back in of_seed]
            for end in (compared.end, compared.start)
        )
        if late and early:
            rises.append(results.metric.sign * (sum(late) / len(late) - sum(early) / len(early)))
    if not rises:
        return None
    rise = summarise(rises, least_sd(results))
    if rise.mean <= results.study.statistics.smallest_damage or (rise.low is not None and rise.low <= 0):
        return None
    longer = any(run.total > control.total for run in results.study.runs if run.role == "deficit")
    equal_total = any(run.role == "equal_total_control" for run in results.study.runs)
    longer = longer and results.study.sweep.origin is not None
    return Unconverged(rise, compared.start, compared.end, longer, equal_total, compared.where, results.metric)


def _plain(results: StudyTable) -> list[Run]:
    return [run for run in results.study.runs if run.role == "control"]


def _chance(results: StudyTable) -> float | None:
    if results.chance is not None or results.study.task != CLASSIFICATION:
        return results.chance
    sizes = results.study.data.sizes()
    return None if sizes is None else 1 / sizes.classes


def _finals(results: StudyTable, run: Run) -> list[float]:
    found = (results.final_scores.get(run.identifier(seed)) for seed in results.study.seeds)
    return [final[0] for final in found if final is not None]


def _series(results: StudyTable, run: Run) -> list[dict[int, float]]:
    """The test score by epoch of each seed that is done."""
    found = []
    for outcome in results.outcomes_of.get(run.name, ()):
        if outcome.status == "done":
            rows = results.by_run.get(outcome.name, ())
            series = {row.epoch: row.value for row in rows if row.quantity == results.metric.test and not row.layer}
            found.append({epoch: value for epoch, value in sorted(series.items()) if epoch > 0})
    return [series for series in found if series]
