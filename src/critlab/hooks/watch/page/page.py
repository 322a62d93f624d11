"""What the page of a watched training says: the answer first, then the ribbon of forks, then the signals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from critlab._core.errors import StudyError
from critlab.analysis.sources.prime_window import RULE, SOURCE
from critlab.hooks.sensitivity.course import Course
from critlab.hooks.watch.page.fork_charts import fork_charts
from critlab.hooks.watch.page.signal_charts import signal_charts
from critlab.hooks.watch.records.record import Record
from critlab.hooks.watch.records.signals import QUANTITIES, sentence
from critlab.hooks.watch.records.worth import signal_worth
from critlab.report.findings import Findings
from critlab.report.text.sensitivity import closing_text, headline, sensitivity_text, worth_text
from critlab.report.text.signals import prime_windows_sentence

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
        question=f"{question(known)} {sentence(history)}{windows_sentence(last)}",
        source=f"{answers(known)}{KNOWN}{_worth()}{_windows_source(last)}",
        charts=[*fork_charts(known), *signal_charts(shown)],
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
    )


def question(course: Course) -> str:
    """The headline: for each deficit the closing or the latest answer; a question where there are no forks."""
    if not course.looks:
        return "How does the training go?"
    closings, latest = course.closings, course.latest
    said = [
        closing_text(name, one.answer, one.low, one.high, one.estimate)
        if (one := closings[name]).answer == "closed"
        else headline(latest[name].told)
        for name in course.deficits
    ]
    return " ".join(f"{one}." for one in said)


def answers(course: Course) -> str:
    """The latest answer for each deficit with its numbers, before a space; empty without forks."""
    return "".join(f"{sensitivity_text(one.told)} " for one in course.latest.values())


def thinned(history: Sequence[Record]) -> Sequence[Record]:
    """At most :data:`MOST_SHOWN` records, evenly, with the first and the latest."""
    stride = -(-len(history) // MOST_SHOWN)
    return [*history[:-1:stride], history[-1]]


def windows_sentence(record: Record) -> str:
    """The prime learning window of each group, in words after a space; empty where there are no groups."""
    return f" {prime_windows_sentence(record.windows)}" if record.windows else ""


def _worth() -> str:
    known = signal_worth()
    return (
        f" {worth_text({QUANTITIES[name][0]: (one.value, one.low, one.high) for name, one in known.items()})}"
        if known
        else ""
    )


def _windows_source(record: Record) -> str:
    return f" Prime learning window: {RULE}. {SOURCE}" if record.windows else ""
