"""What a person reads in a terminal about a store: how far a study is, what is wrong, what can go."""

from __future__ import annotations

from collections import Counter

from critlab._core.terminal.text import one_line
from critlab.analysis.tables.progress import StudyProgress
from critlab.engine.maintenance.gc import Garbage
from critlab.engine.maintenance.merge import Merged
from critlab.engine.maintenance.verification import Finding, Verification
from critlab.engine.records.makers import arm_lines
from critlab.report.text.judgement.looks import growth_lines
from critlab.report.text.judgement.mixture import mixture_lines
from critlab.report.text.numbers import count, size

MOST_LINES = 50
"""How many findings of a kind are listed; ``--json`` has all."""


def status_text(found: StudyProgress, command: str) -> str:
    """How far a study is, and the command that goes on."""
    damaged = [f"  put aside, failed its check: {one_line(name)}" for name in found.quarantined]
    if not found.runs:
        never = f"{found.study}: never run in this store; {count(found.epochs, 'epoch')} to train"
        return "\n".join([never, *damaged, f"begin: {command}"])
    lines = [f"{found.study}: {found.epochs - found.epochs_left:,} of {count(found.epochs, 'epoch')} trained"]
    for state, number in sorted(found.counts.items()):
        lines.append(f"  {number:4d} {'run' if number == 1 else 'runs'} {state}")
    for run in found.runs:
        if run.note:
            note = one_line(run.note.splitlines()[-1])
            lines.append(f"  {run.name}: {run.state} after {count(run.epochs, 'epoch')}: {note}")
    lines += damaged
    lines += [f"  {line}" for line in growth_lines(found.growth)]
    lines += [f"  {one_line(line)}" for line in mixture_lines(found.mixture)]
    if "failed" in found.counts:
        lines.append(f"try again: {command}")
    elif set(found.counts) & {"interrupted", "waiting"}:
        lines.append(f"go on: {command}")
    return "\n".join(lines)


def verification_text(found: Verification) -> str:
    """What was looked at, and what was found."""
    what = f"{found.study} in {found.store}" if found.study else found.store
    lines = [f"{what}: {count(found.files, 'file')}, {size(found.bytes)}"]
    for one in found.lacking:
        lacks = [count(number, what) for number, what in ((one.epochs, "epoch"), (one.readings, "reading")) if number]
        lines.append(f"  {one.study}: lacks {' and '.join(lacks)}; critlab run makes them")
    lines += [one_line(f"  made on several kinds of machine: {line}") for line in arm_lines(found.made)]
    lines += _listed("wrong", found.wrong)
    lines += _listed("put aside", found.set_aside)
    lines += _listed("nothing leads to it", found.orphans)
    lines += _listed("not looked at whole", found.unread)
    lines.append("something is wrong" if found.wrong else "every file agrees with its digest and with what it rests on")
    return "\n".join(lines)


def _listed(label: str, findings: list[Finding]) -> list[str]:
    lines = [one_line(f"  {label}: {one.file}{': ' if one.what else ''}{one.what}") for one in findings[:MOST_LINES]]
    kinds = Counter(one_line(one.file.partition("/")[0]) for one in findings[MOST_LINES:])
    rest = ", ".join(f"{count:,} in {kind}" for kind, count in kinds.items())
    return [*lines, f"  {label}: and {rest}; --json lists all"] if rest else lines


def garbage_text(found: Garbage, store: str) -> str:
    """What can go, or went."""
    kept = ", ".join(found.studies) if found.studies else "no study"
    lines = [f"{store}: {size(found.kept)} needed by {kept}"]
    lines += [f"  {files:6,} {kind}, {size(taken)}" for kind, (files, taken) in sorted(found.kinds().items())]
    lines += _listed("no record names it", [Finding(f"{one.kind}/{one.path.name}", "") for one in found.orphans])
    files, taken = found.trash
    if not found.places:
        lines.append("nothing to free")
    elif found.applied:
        lines.append(f"moved {size(found.bytes)} to the trash")
    else:
        lines.append(
            f"{size(found.bytes)} can be freed; nothing was changed: add --apply to move these files to the trash"
        )
    if files:
        lines.append(f"the trash holds {count(files, 'file')}, {size(taken)}: critlab gc --empty-trash deletes them")
    return "\n".join(lines)


def merged_text(found: Merged) -> str:
    """What a merge wrote, what it left out, and what the studies lack."""
    others = ", ".join(one for one in found.stores if one != found.into)
    written = f"{count(found.files, 'file')}, {size(found.bytes)}"
    lines = [f"{found.into}: merged {others}: {written}; {found.known:,} known before"]
    lines += _listed("left out", list(found.left_out))
    lines += [f"  {one_line(name)}: all is there" for name in found.complete]
    for one in found.lacking:
        counts = {"epoch": one.epochs, "reading": one.readings}
        lacks = " and ".join(count(number, what) for what, number in counts.items() if number) or "checkpoints"
        lines.append(f"  {one_line(one.study)}: lacks {lacks}; critlab run trains them")
    lines += [
        f"  {one_line(name)}: uses your own code; repeat its command to see what is missing" for name in found.unread
    ]
    return "\n".join(lines)


def emptied_text(files: int, taken: int, store: str) -> str:
    """What was deleted from the trash."""
    return (
        f"{store}: deleted {count(files, 'file')}, {size(taken)}, from the trash"
        if files
        else f"{store}: the trash is empty"
    )
