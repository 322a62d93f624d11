"""What ``critlab.when`` judges: the metrics of a user's loop, each with its direction, its tolerance and its words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from critlab._core.errors import StudyError
from critlab._core.loading.imports import is_path
from critlab.analysis.timing.table import Goal
from critlab.hooks.own_loop.metric import metric_of_loop
from critlab.hooks.when.cells import DIVERGED, Metrics
from critlab.hooks.when.options import WhenOptions
from critlab.learning_tasks import SCORINGS, Metric
from critlab.report.text.timing.timing import UNNAMED, TimingWords

Goals = Goal | Mapping[str, Goal] | None
Tolerances = float | Mapping[str, float] | None


@dataclass(frozen=True)
class Judged:
    """A metric that is judged.

    Args:
        goal: whether high or low values are better.
        tolerance: the largest loss that does not matter, in its unit.
        words: how texts call things.
        facts: its unit, direction and range, where the user said more than its name.
        number: whether it may be the one number that ``evaluate`` returns.
    """

    goal: Goal
    tolerance: float
    words: TimingWords
    facts: Metric | None
    number: bool

    def value(self, values: Metrics, name: str) -> float:
        """Its value of a trained cell.

        Raises:
            StudyError: the loop gave none, or one that the metric cannot have.
        """
        if DIVERGED in values:
            return values[DIVERGED]
        # what a loop returned as one number before its metric had a name is under this one in the store
        found = values.get(name, values.get(UNNAMED) if self.number else None)
        if found is None:
            raise StudyError(
                f"when: goal: received the metric {name!r}, but evaluate returns {', '.join(values)}; give "
                'goal={"name": "max"} with the name of one that it returns'
            )
        facts = self.facts
        if facts is not None:
            low, high = facts.least, facts.most
            if (low is not None and found < low) or (high is not None and found > high):
                bounds = [text for text in (_bound("at least", low), _bound("at most", high)) if text]
                raise StudyError(
                    f"when: evaluate: {name} was {found:g}; must be {' and '.join(bounds)}, as the metric is defined; "
                    'return such a value, or give metric=critlab.learning_tasks.Metric("name", ...) with other limits'
                )
        return found


def judged_metrics(goal: Goals, tolerance: Tolerances, options: WhenOptions) -> dict[str, Judged]:
    """The metrics that are judged by their name, the leading one first.

    Raises:
        StudyError: a goal contradicts the direction of its metric, or a value is not one of those that are allowed.
    """
    facts = {one.name: one for one in _facts(options)}
    names = [*goal] if isinstance(goal, Mapping) else [*facts] or [f"{options.metric}"]
    if not names:
        raise StudyError('when: goal: received no metric; give "max", "min", or a mapping of metrics')
    number = len(names) == 1 and not isinstance(goal, Mapping)
    found = {}
    for name in names:
        known = facts.get(name)
        its = _goal(goal, name, known), _tolerance(tolerance, name, known)
        found[name] = Judged(*its, _words(name, facts, options), known, number)
    return found


def leading_name(options: WhenOptions) -> str:
    """The name of the number that ``evaluate`` returns, where it is one."""
    facts = _facts(options)
    return facts[0].name if facts else f"{options.metric}"


def _facts(options: WhenOptions) -> list[Metric]:
    """What is known of each metric; nothing of one that is but a name."""
    given = options.metric
    several = given if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    if isinstance(given, str) and not is_path(given) and given not in SCORINGS:
        return []
    found = [metric_of_loop(one, "when") for one in several]
    if len({one.name for one in found}) < len(found) or not found:
        raise StudyError(f"when: metric: received {len(found)} metrics; must be at least one, each with its own name")
    if options.fraction is True and not all(one.in_points for one in found):
        other = next(one.name for one in found if not one.in_points)
        raise StudyError(f"when: fraction: received True, but {other} is no fraction that is shown in points; omit it")
    # a known name of which the user's numbers are no fractions has the user's range
    plain = isinstance(given, str) and options.fraction is False
    return [replace(one, factor=1.0, least=None, most=None) if plain and one.in_points else one for one in found]


def _words(name: str, facts: Mapping[str, Metric], options: WhenOptions) -> TimingWords:
    words = TimingWords(options.switch_name, name, bool(options.fraction), options.step, options.direction)
    known = facts.get(name)
    return words if known is None else replace(words, metric=known.title, fraction=known.in_points, unit=known.unit)


def _goal(given: Goals, name: str, known: Metric | None) -> Goal:
    goal: Any = given[name] if isinstance(given, Mapping) else given
    its: Goal | None = None if known is None else "max" if known.better == "higher" else "min"
    if goal is None:
        return its or "max"
    if goal not in ("max", "min"):
        raise StudyError(f'when: goal: received {goal!r} for {name}; must be "max" or "min"')
    if its is not None and goal != its:
        assert known is not None
        raise StudyError(
            f'when: goal: received "{goal}" for {name}, of which {known.better} values are better; omit it'
        )
    return "max" if goal == "max" else "min"


def _tolerance(given: Tolerances, name: str, known: Metric | None) -> float:
    if given is None and known is not None and known.smallest_damage:
        return known.smallest_damage
    found = given.get(name) if isinstance(given, Mapping) else given
    if found is None:
        raise StudyError(f"when: tolerance: received none for {name}; give one for each metric in goal")
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found < 1e100:
        raise StudyError(f"when: tolerance: received {found!r} for {name}; must be a number above 0")
    return found


def _bound(words: str, limit: float | None) -> str:
    return "" if limit is None else f"{words} {limit:g}"
