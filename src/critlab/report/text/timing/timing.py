"""The answer to "when should I flip this switch?" in words, for terminal, page and documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from critlab.analysis.statistics import MINIMUM_SEEDS
from critlab.analysis.timing.answer import Cost, Plateau, Timing
from critlab.analysis.timing.costs import Costs, cheapest
from critlab.analysis.timing.tradeoffs import Tradeoff
from critlab.report.text.numbers import count, hundredths, listing, percent, plain, points

UNNAMED = "the metric"
"""What a metric is called to which the user gave no name."""


@dataclass(frozen=True)
class TimingWords:
    """How an answer is worded.

    Args:
        switch: names what is flipped, such as ``"the switch"`` or ``"blur"``.
        metric: names what is compared, such as ``"accuracy"``.
        fraction: whether the metric is a fraction that is shown in points.
        step: what times count, in the singular.
        direction: ``"on"`` where the switch goes on at each time, ``"off"`` where it is on from the start until then.
        unit: of the metric, where it is not a fraction; empty for a pure number.
    """

    switch: str = "the switch"
    metric: str = UNNAMED
    fraction: bool = False
    step: str = "epoch"
    direction: str = "on"
    unit: str = ""

    @property
    def noun(self) -> str:
        """What the metric is called behind an article or an adjective."""
        return "metric" if self.metric == UNNAMED else self.metric

    @property
    def title(self) -> str:
        """What the metric is called at the start of a line."""
        return f"{self.noun[:1].upper()}{self.noun[1:]}"

    @property
    def column(self) -> str:
        """The metric with its unit, for the head of a column of its values."""
        return f"{self.noun} ({self.unit})" if self.unit else self.noun


def timing_lines(timing: Timing, words: TimingWords) -> list[str]:
    """The whole answer, one line each: sentence, plateau, never, present time, and whether more runs would help."""
    return [timing_sentence(timing, words), *_details(timing, words)]


def timing_sentence(timing: Timing, words: TimingWords) -> str:
    """The answer in one sentence with its numbers."""
    if timing.reason:
        return f"Undecided: the best time of {words.switch} is not known. {_reason_text(timing)}"
    if not timing.matters:
        return f"No effect found: no time of {words.switch} is found better or worse than another."
    if timing.none_better:
        return f"No time is found better than never: leave {words.switch} {_unflipped(words)}."
    best = timing.best
    limits = f"[{best.low}, {best.high}]"
    at = _time(timing, best.epoch, words)
    return (
        f"Turn {words.switch} {words.direction} at {at} {limits}: the smoothed {words.noun} is {_best(timing)} there."
    )


def _reason_text(timing: Timing) -> str:
    """Why times cannot be compared, and what is needed."""
    if timing.reason == "few_seeds":
        return f"It needs at least {MINIMUM_SEEDS} seeds (n = {timing.seeds})."
    if timing.reason == "few_pairs":
        return f"It needs at least {MINIMUM_SEEDS} seeds that have results at the same times."
    return f"All {timing.seeds} seeds have the same score at each time, so their spread is not known."


def _details(timing: Timing, words: TimingWords) -> Iterator[str]:
    if timing.reason:
        best = timing.best.epoch
        at = "for never" if _is_never(timing, best) else f"at {_time(timing, best, words)}"
        yield f"So far, the smoothed {words.noun} is {_best(timing)} {at}. No loss and no gain is excluded."
    else:
        yield _plateau_text(timing, words)
        yield from _never_text(timing, words)
    if timing.present is not None:
        yield present_text(timing, timing.present, words)
    if not timing.decided and not timing.reason:
        yield f"Not all times are decided with {count(timing.seeds, 'seed')}: more seeds may widen the plateau."


def _never_text(timing: Timing, words: TimingWords) -> Iterator[str]:
    """The largest gain over never that is possible, where none is found."""
    if timing.never is None:
        return
    if timing.never.high is None:
        yield "The gain over never is not known: no run without a flip has a seed in common with the other times."
    elif timing.none_better or not timing.matters:
        yield f"A gain over never of more than {number(timing.never.high, words)} is excluded."


def _plateau_text(timing: Timing, words: TimingWords) -> str:
    loss = f"a loss of more than {number(2 * timing.tolerance, words)}, twice the tolerance,"
    if not timing.plateaus:
        return f"No plateau is found: at no time is {loss} excluded."
    where = listing([_stretch(timing, one, words) for one in timing.plateaus])
    least = number(timing.tolerance, words)
    best = timing.best.epoch
    apart = f" but {_time(timing, best, words)}" if timing.on_plateau(best) and not timing.best_is_near else ""
    return (
        f"Plateau, at most {least} worse than the best: {where}. There, {loss} is excluded at each tried time{apart}."
    )


def _stretch(timing: Timing, stretch: Plateau, words: TimingWords) -> str:
    low, high = stretch
    if low == high:
        return _time(timing, low, words)
    end = "never" if _is_never(timing, high) else f"{high}"
    return f"{words.step}s {low} to {end}"


def present_text(timing: Timing, present: Cost, words: TimingWords) -> str:
    """What the present time costs against the best."""
    at = _time(timing, present.epoch, words)
    if present.estimate is None:
        return f"The cost of the present time, {at}, is not known: no run of it can be compared with the other times."
    limits = "[no interval]"
    if present.low is not None and present.high is not None:
        limits = f"[{_plain(present.low, words)}, {_plain(present.high, words)}]"
    costs = f"costs {_amount(present.estimate, words)} {limits} against the best time"
    end = ", and lies on the plateau" if timing.on_plateau(present.epoch) else ""
    return f"The present time, {at}, {costs}{end}."


def spent_text(spent: float, reruns: float, step: str = "epoch") -> str:
    """What the answer took, against full reruns of the same times and seeds."""
    share = percent(spent / reruns, 0) if reruns else "–"
    whole = f"{count(round(reruns), step)}"
    return f"Spent {count(round(spent), step)}; full reruns of the same times and seeds take {whole} ({share})."


def cheapest_text(timing: Timing, costs: Costs, words: TimingWords) -> str:
    """The cheapest time of the plateau, against the present time, or against never where none is given."""
    time = cheapest(timing, costs)
    if time is None:
        return "The cheapest time on the plateau is not known, because no plateau is found."
    reference = timing.present or timing.never
    at, least = _time(timing, time, words), number(timing.tolerance, words)
    if reference is None or reference.epoch == time:
        return f"Cheapest time on the plateau: {at}{', the present one' if timing.present else ''}."
    named = "the present time" if timing.present else "never"
    share = percent(costs.share(time, reference.epoch), 0)
    return (
        f"Cheapest time on the plateau: {at}, with the best {words.noun} up to {least} for {share} of the cost of "
        f"{named}."
    )


def tradeoff_lines(
    rows: Sequence[Tradeoff], timings: Mapping[str, Timing], words: Mapping[str, TimingWords]
) -> list[str]:
    """Which times no other one beats in everything; empty where there is one metric and no cost."""
    if not rows:
        return []
    leading, timing = next(iter(timings.items()))
    judged = listing([*(words[one].metric for one in timings), *(["cost"] if rows[0].cost is not None else [])])
    if any(one.reason for one in timings.values()):
        return [f"Which times are best in all of {judged} is not known."]
    free = [_time(timing, one.epoch, words[leading]) for one in rows if not one.beaten]
    everywhere = [_time(timing, one.epoch, words[leading]) for one in rows if all(one.near.values())]
    found = [f"By the smoothed curves, no other time is better in all of {judged} than: {listing(free)}."]
    if len(timings) > 1:
        found.append(f"On the plateau of every metric: {listing(everywhere) if everywhere else 'no time'}.")
    return found


def number(value: float, words: TimingWords) -> str:
    """A difference of the metric with its unit."""
    if words.fraction:
        return points(value)
    return f"{_plain(value, words)} {words.unit}".rstrip()


def _amount(value: float, words: TimingWords) -> str:
    """A difference with what it is one of, such as ``3.7 points of accuracy`` or ``0.12 mean absolute error``."""
    if words.metric == UNNAMED:
        return number(value, words)
    return f"{number(value, words)}{' of' if words.fraction or words.unit else ''} {words.metric}"


def _plain(value: float, words: TimingWords) -> str:
    return hundredths(value) if words.fraction else plain(value)


def _time(timing: Timing, epoch: int, words: TimingWords) -> str:
    return "never" if _is_never(timing, epoch) else f"{words.step} {epoch}"


def _is_never(timing: Timing, epoch: int) -> bool:
    return timing.never is not None and epoch == timing.never.epoch


def _best(timing: Timing) -> str:
    return "highest" if timing.goal == "max" else "lowest"


def _unflipped(words: TimingWords) -> str:
    return "off" if words.direction == "on" else "on"
