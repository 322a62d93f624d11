"""What the page of a watched training says: the answer first, then the ribbon of forks, then the signals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from critlab._core.errors import StudyError
from critlab.analysis.sources.prime_window import RULE, SOURCE
from critlab.hooks.sensitivity.course import Course
from critlab.hooks.watch.page.fork_charts import ANSWERS, fork_charts
from critlab.hooks.watch.page.signal_charts import signal_charts
from critlab.hooks.watch.page.window_ribbon import window_ribbon
from critlab.hooks.watch.records.record import Record
from critlab.hooks.watch.records.signals import QUANTITIES, sentence
from critlab.hooks.watch.records.worth import signal_worth
from critlab.report.findings import Findings
from critlab.report.text.figures.signals import prime_windows_sentence
from critlab.report.text.numbers import listing
from critlab.report.text.timing.sensitivity import closing_text, sensitivity_text, worth_text
from critlab.report.text.timing.sensitivity import headline as answer_text

MOST_SHOWN = 200
"""Records on the page, which would be slow to open with many thousand."""

KNOWN = (
    "These are signals of one training without a deficit. None of them says whether a deficit would still leave "
    "lasting damage; to measure that, fork the training with critlab.sensitivity."
)


def findings(
    history: Sequence[Record], name: str, asides: Mapping[str, str] | None = None, course: Course | None = None
) -> Findings:
    """What the page says and draws of a training.

    Args:
        history: the watch's records.
        name: of the training.
        asides: what the watch could not do, and why.
        course: what forks have answered; None for no forks.

    Raises:
        StudyError: there is no record.
    """
    if not history:
        raise StudyError(
            "watch: report: there is no record yet; train for longer, raise budget=, or call close() first"
        )
    last, shown, known = history[-1], thinned(history), course or Course(())
    return Findings(
        name=name,
        question=f"How does the training of {name} go?",
        source="ours",
        answer=answer(known),
        headline=headline(known) if known.looks else sentence(history),
        charts=[*fork_charts(known), *window_ribbon(shown), *signal_charts(shown)],
        comparisons=(),
        provenance={
            "step": last.step,
            "records shown": len(shown),
            "examples of a look": last.examples,
            "seconds": round(last.seconds, 1),
            "overhead (share of the training's time)": last.overhead,
            **({"epochs of forks": known.spent} if known.looks else {}),
            **{f"not done: {part}": reason for part, reason in (asides or {}).items()},
        },
        command="critlab.Watch(model) and watch.step(inputs, loss) in the training loop, then watch.report(path)",
        masthead="A watched training",
        lines=tuple(_lines(history, known)),
        notes=tuple(_notes(last)),
    )


def answer(course: Course) -> tuple[str, str]:
    """What the forks answer, in a few words: for which deficits the period is open; empty without forks."""
    closings = course.closings
    groups = {state: [name for name, one in closings.items() if one.answer == state] for state in ANSWERS}
    said = [f"{state} for {listing(names)}" for state, names in groups.items() if names]
    kind = "present" if groups["open"] else "undecided" if groups["undecided"] or not said else "absent"
    return kind, ", ".join(said)


def headline(course: Course) -> str:
    """For each deficit the closing, or the latest answer."""
    closings, latest = course.closings, course.latest
    said = [
        closing_text(name, one.answer, one.low, one.high, one.estimate)
        if (one := closings[name]).answer == "closed"
        else answer_text(latest[name].told)
        for name in course.deficits
    ]
    return " ".join(f"{one}." for one in said)


def _lines(history: Sequence[Record], course: Course) -> Iterator[str]:
    """The latest answer for each deficit with its numbers, the signals, and the prime learning windows."""
    yield from (sensitivity_text(one.told) for one in course.latest.values())
    if course.looks:
        yield sentence(history)
    if history[-1].windows:
        yield prime_windows_sentence(history[-1].windows)


def _notes(last: Record) -> Iterator[str]:
    """How to read the signals."""
    yield KNOWN
    if known := signal_worth():
        yield worth_text({QUANTITIES[name][0]: (one.value, one.low, one.high) for name, one in known.items()})
    if last.windows:
        yield f"Prime learning window: {RULE}. {SOURCE}"


def thinned(history: Sequence[Record]) -> Sequence[Record]:
    """At most :data:`MOST_SHOWN` records, evenly, with the first and the latest."""
    stride = -(-len(history) // MOST_SHOWN)
    return [*history[:-1:stride], history[-1]]
