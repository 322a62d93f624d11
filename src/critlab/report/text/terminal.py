"""What a person reads in a terminal: plans, progress, verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from critlab._core.terminal.duration import duration
from critlab._core.terminal.streams import show, show_coloured, terminal_width
from critlab._core.terminal.text import one_line
from critlab.analysis.tables.results import Results
from critlab.data.class_counts import ClassCounts
from critlab.engine.planning.plan import Plan
from critlab.report.findings import Comparison
from critlab.report.text.figures.comparisons import comparison_line
from critlab.report.text.figures.optimisation import optimizer_words, schedule_words
from critlab.report.text.judgement.verdict_table import verdict_table
from critlab.report.text.numbers import decimal, significant, size
from critlab.report.text.timing.study_timing import study_timing_lines
from critlab.store.delivery import is_standard_output


def plan_text(plan: Plan) -> str:
    """The plan, one quantity a line."""
    time = "unknown, add --measure"
    if plan.seconds is not None:
        time = f"{duration(plan.seconds)} on {plan.workers} {'worker' if plan.workers == 1 else 'workers'}"
    space = "unknown, add --measure" if plan.bytes is None else f"about {size(plan.bytes)}"
    quantities = _aligned(
        {
            "study": plan.study,
            **({"part": plan.part.removeprefix("part ")} if plan.part else {}),
            "runs": f"{plan.runs:,}",
            "stages": f"{plan.stages:,}",
            "epochs without sharing": f"{plan.epochs_without_sharing:,}",
            "epochs with sharing": f"{plan.epochs_with_sharing:,}",
            "ratio": decimal(plan.sharing_ratio, 2),
            **({"frozen epochs": f"{plan.epochs_frozen:,}, at no cost"} if plan.epochs_frozen else {}),
            "left to train": f"{plan.epochs_left:,} epochs",
            **({"missing controls": ", ".join(plan.missing_controls)} if plan.missing_controls else {}),
            "replays": f"{plan.replays:,} epochs",
            "left to read": f"{plan.readings_left:,} readings",
            **({} if plan.classes is None else {"classes": classes_text(plan.classes)}),
            "optimiser": optimizer_words(plan.optimizer),
            "learning rate": schedule_words(plan.optimizer),
            **({"steps of an epoch": f"{plan.steps:,}"} if plan.steps else {}),
            "precision": plan.precision or "chosen by timing a step, at the first run or with --measure",
            "disk": space,
            "time": time,
            **({"warning": plan.warning} if plan.warning else {}),
            **_at_most(plan.at_most),
        }
    )
    return "\n".join([quantities, *(f"note: {remark}" for remark in plan.remarks)])


def classes_text(classes: ClassCounts) -> str:
    """How many training examples the classes have, and how unequal they are."""
    counts = classes.counts
    least, most = counts[classes.fewest], counts[classes.most]
    if least == most:
        return f"{len(counts)}, {least:,} training examples each"
    times = f"{significant(classes.imbalance)} times as many" if least else "the smallest has none"
    return (
        f"{len(counts)}, from {least:,} training examples ({one_line(classes.fewest)}) to {most:,} "
        f"({one_line(classes.most)}): {times}"
    )


def _at_most(plan: Plan | None) -> dict[str, str]:
    """What a study costs at most, where seeds or points may be added until its answer is decided."""
    if plan is None:
        return {}
    time = "" if plan.seconds is None else f", {duration(plan.seconds)}"
    return {"at most": f"{plan.runs:,} runs, {plan.epochs_left:,} epochs left to train{time}"}


def verdict_text(results: Results, following: str = "", width: int | None = None) -> str:
    """The verdict as a short table, or when to switch.

    Args:
        results: of a study.
        following: the next command.
        width: that of a terminal with colours; None elsewhere.
    """
    if results.study.sweep.asks_when and (found := results.timing()) is not None:
        return "\n".join([*study_timing_lines(results, found), *([f"Next: {following}"] if following else [])])
    return verdict_table(results, following, width)


def announce_verdict(results: Results, following: str = "") -> None:
    """Prints the verdict on standard output, coloured where that is a terminal."""
    width = terminal_width()
    (show_coloured if width else show)(verdict_text(results, following, width))


def announce_page(
    results: Results | Sequence[Results], out: Path, further: Sequence[tuple[str, str]] = (), following: str = ""
) -> None:
    """Writes the page of one study or several; prints their verdicts, where the page is, and the next command."""
    from critlab.report.page import report

    # the page itself may go to standard output, and then nothing else does
    plain = is_standard_output(out)
    say = print if plain else show
    for one in results if isinstance(results, Sequence) else (results,):
        say(f"\n{one.study.name}")
        if plain:
            print(verdict_text(one))
        else:
            announce_verdict(one)
    page = report(results, out, further)
    for question, command in further:
        say(f"\n{question}\n  {command}")
    say(f"\npage: {page.absolute()}")
    if following:
        say(f"Next: {following}")


def reproduction_text(comparisons: Sequence[Comparison], page: Path | None) -> str:
    """Our numbers with the published ones, and where the page lies."""
    lines = list(map(comparison_line, comparisons))
    return "\n".join([*lines, *([f"page: {page.absolute()}"] if page else [])])


def _aligned(pairs: Mapping[str, str]) -> str:
    width = max(map(len, pairs))
    return "\n".join(f"{name:>{width}}: {value}" for name, value in pairs.items())
