"""When to switch, in a study: words for the terminal and the page."""

from __future__ import annotations

from collections.abc import Iterator

from critlab.analysis.judgement.looks import Looks
from critlab.analysis.tables.results import Results
from critlab.analysis.timing.of_study import StudyTiming
from critlab.report.text.names import window_words
from critlab.report.text.numbers import count, listing, significant
from critlab.report.text.study.facts import Fact
from critlab.report.text.timing.timing import TimingWords, number, spent_text, timing_lines
from critlab.study.study import Study


def timing_words(study: Study, found: StudyTiming) -> TimingWords:
    """How the answer of a study is worded."""
    metric = found.metric
    return TimingWords(
        window_words(study), f"test {metric.title}", metric.in_points, direction=found.direction, unit=metric.unit
    )


def study_timing_lines(results: Results, found: StudyTiming) -> list[str]:
    """The whole answer, one line each: sentence, plateau, costs, what it took, and what is left out."""
    lines = timing_lines(found.timing, timing_words(results.study, found))
    return [*lines, spent_text(found.spent, found.reruns), *_left_out(found), *_looks(found.looks)]


def _looks(looks: Looks) -> Iterator[str]:
    """What a reader must know of earlier looks; nothing where there is one, as planned."""
    if looks.number == 1 and looks.planned and looks.most is None:
        return
    not_planned = f", {looks.unplanned} of them not planned" if looks.unplanned else ""
    seeds, level = count(len(looks.seeds), "seed"), significant(looks.level, 2)
    yield f"This is look {looks.number} at the study{not_planned}, with {seeds}, at a one-sided level of {level}."


def _left_out(found: StudyTiming) -> Iterator[str]:
    if found.diverged:
        verb = "is" if found.diverged == 1 else "are"
        yield f"{count(found.diverged, 'run')} diverged and {verb} left out, so the times of these may look too good."
    if found.missing:
        verb = "is" if found.missing == 1 else "are"
        yield f"{count(found.missing, 'run')} {verb} not done; the answer is provisional."


def timing_label(found: StudyTiming) -> str:
    """The answer in two words, such as ``epoch 20``."""
    timing = found.timing
    if timing.reason:
        return "undecided"
    if not timing.matters:
        return "no effect found"
    return "never" if timing.none_better else f"epoch {timing.best.epoch}"


def timing_facts(study: Study, found: StudyTiming) -> Iterator[Fact]:
    """The numbers of the answer, one label each, for the page."""
    timing, words = found.timing, timing_words(study, found)

    def place(epoch: int) -> str:
        return "never" if timing.never is not None and epoch == timing.never.epoch else f"{epoch}"

    best = timing.best
    if timing.reason:
        yield Fact("Best time", "not known", f"{place(best.epoch)} so far")
    else:
        yield Fact("Best time", place(best.epoch), f"epoch, [{best.low}, {place(best.high)}]")
    plateaus = [f"{one.low} to {place(one.high)}" for one in timing.plateaus]
    none = "not known" if timing.reason else "none found"
    tolerance = f"epochs, tolerance {number(timing.tolerance, words)}"
    yield Fact("Plateau", listing(plateaus) if plateaus else none, tolerance)
    if timing.present is not None:
        cost = timing.present.estimate
        costs = "cost not known" if cost is None else f"costs {number(cost, words)} against the best"
        yield Fact("Present time", place(timing.present.epoch), f"epoch, {costs}")
    yield Fact("Epochs trained", f"{found.spent:,}", f"of {found.reruns:,} in full reruns; n = {timing.seeds}")
