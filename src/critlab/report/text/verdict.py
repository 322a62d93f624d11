"""A verdict in words: its answer, its closing, its confounds and its notes."""

from __future__ import annotations

from collections.abc import Iterator

from critlab.analysis.closing import Closing
from critlab.analysis.curve import CurvePoint
from critlab.analysis.guards import Unconverged
from critlab.analysis.verdict import Reason, Verdict
from critlab.report.text.confounds import confound_text
from critlab.report.text.guards import guard_text
from critlab.report.text.notes import note_lines
from critlab.report.text.numbers import effect, is_loss, places, points, probability


def verdict_lines(verdict: Verdict) -> list[str]:
    """The whole verdict, one line each: answer, closing, confounds, notes."""
    found = [f"{verdict.answer.capitalize()}: {answer_text(verdict)}"]
    if verdict.closing is not None:
        found.append(closing_text(verdict, verdict.closing))
    found += [f"{one.name} ({one.status}): {confound_text(verdict, one)}" for one in verdict.confounds]
    return [*found, *note_lines(verdict)]


def answer_text(verdict: Verdict) -> str:
    """Why the answer is what it is, with numbers, without the answer itself."""
    return " ".join(_answer(verdict))


def _answer(verdict: Verdict) -> Iterator[str]:
    largest, smallest = verdict.largest, f"the smallest damage of interest ({points(verdict.smallest_damage)})"
    if largest is None:
        yield from _reasons(verdict)
    elif verdict.answer == "present":
        worst = max(verdict.damaged, key=lambda point: point.damage.value)
        yield f"{_described(verdict, worst)}, which is above {smallest}."
        yield _significance(verdict)
        yield from _equal_length(verdict, worst)
    elif verdict.answer == "absent":
        yield f"every interval lies below {smallest}."
        yield f"{'Largest damage' if is_loss(largest.damages) else 'No point has damage in the mean'}: " + (
            f"{_described(verdict, largest)}."
        )
        yield from _equal_length(verdict, largest)
    else:
        for guard in verdict.guards:
            if not isinstance(guard, Unconverged):
                yield guard_text(guard)
        yield f"{_described(verdict, largest)}."
        yield from _equal_length(verdict, largest)
        yield from _reasons(verdict)
        if verdict.strongest is not None:
            yield _significance(verdict)
        if verdict.minimum_detectable is not None and all(isinstance(one, Unconverged) for one in verdict.guards):
            power = f"80 % power to detect damage of {points(verdict.minimum_detectable)}"
            yield f"With these seeds, the study has {power} at one point."


def _described(verdict: Verdict, point: CurvePoint) -> str:
    return f"{verdict.arm} {verdict.sweep.words.from_to} {point.at} {effect(point.damages)}"


def _equal_length(verdict: Verdict, point: CurvePoint) -> Iterator[str]:
    """The same point, and the worst one where that is another, compared with clean runs of equal length."""
    worst = max(verdict.equal_total, key=lambda other: other.damage.value, default=None)
    same = next((other for other in verdict.equal_total if other.at == point.at), None)
    if same is not None:
        yield f"Compared with clean runs of equal length, it {effect(same.damages)}."
    if worst is not None and worst is not same:
        where = places(verdict.sweep, [worst.at])
        yield f"The largest damage compared with these is at {where}: it {effect(worst.damages)}."


def _significance(verdict: Verdict) -> str:
    assert verdict.strongest is not None, "some point was tested"
    assert verdict.p_value is not None, "some point was tested"
    where = places(verdict.sweep, [verdict.strongest.at])
    return (
        f"The most significant point is {where} ({probability(verdict.p_value)}, one-sided, Holm-adjusted; level "
        f"{verdict.level:g})."
    )


def _reasons(verdict: Verdict) -> Iterator[str]:
    least = verdict.minimum_seeds
    words: dict[Reason, str] = {
        "no_point": "the sweep has no point to test.",
        "no_pair": "no results yet; no deficit run has finished together with its control.",
        "few_seeds": f"A verdict needs at least {least} finished seeds.",
        "few_seeds_at_some_points": f"Some points have fewer than the {least} finished seeds that a verdict needs.",
        "diverged": "The damage is small wherever a run finished, but a run that diverged did not recover.",
        "equal_length": "Compared with clean runs of equal length, damage is not ruled out.",
        "not_converged": "The control has not converged, so longer training may hide damage.",
    }
    for reason in verdict.reasons:
        yield words[reason]


def closing_text(verdict: Verdict, closing: Closing) -> str:
    """When the period closes, and what that means."""
    words = verdict.sweep.words
    limits = f" {epochs_interval(closing)}" if closing.low is not None else ", no interval"
    text = f"The period closes at about epoch {closing.epoch:.1f}{limits}: {words.closing.format(arm=closing.arm)}."
    if closing.open_ended:
        text += f" The sweep may not contain the closing, because {closing.open_reason}; {words.further}."
    return text


def epochs_interval(closing: Closing) -> str:
    """The interval of a closing, such as ``[3.5, 8.4]`` or ``[3.5, not bounded]``."""
    if closing.low is None:
        return "[no interval]"
    return f"[{closing.low:.1f}, {'not bounded' if closing.high is None else f'{closing.high:.1f}'}]"
