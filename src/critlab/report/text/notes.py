"""The notes of a verdict and of a curve in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from critlab.analysis.curve_notes import (
    ControlPoint,
    CurveNote,
    Diverged,
    MixedMachines,
    NeverRemoved,
    SingleSeed,
    Unfinished,
)
from critlab.analysis.effects.background import BackgroundEffect
from critlab.analysis.effects.intervention import InterventionEffect
from critlab.analysis.judgement.guards import Unconverged
from critlab.analysis.judgement.mixture import Mixture
from critlab.analysis.judgement.verdict import EqualDamages, Gain, Note, Verdict
from critlab.analysis.sources.ignored_source import SourceBalance
from critlab.analysis.sources.source_windows import PrimeWindows
from critlab.learning_tasks.metric import Metric
from critlab.report.text.figures.sources import balance_text, windows_text
from critlab.report.text.judgement.damages import damage_effect, damage_place
from critlab.report.text.judgement.guards import guard_text
from critlab.report.text.judgement.looks import look_lines
from critlab.report.text.judgement.mixture import mixture_lines
from critlab.report.text.metric_words import MetricWords
from critlab.report.text.names import capital, plain_arm
from critlab.report.text.numbers import count, places
from critlab.study.sweeps import Sweep

SEEDS_ALONE = (
    "Intervals hold the differences between seeds, and not the choice of test examples, which is known for shares of "
    "right answers alone"
)
"""What the intervals of a metric hold that is no mean over test examples of right and wrong."""


def note_lines(verdict: Verdict) -> list[str]:
    """What else a reader must know, one line each."""
    notes = [line for note in verdict.notes for line in note_texts(note, verdict.sweep, verdict.metric)]
    held = [] if verdict.metric.counted or not verdict.damages else [f"{SEEDS_ALONE}."]
    return [*look_lines(verdict.looks), *notes, *held]


def note_texts(note: Note, sweep: Sweep, metric: Metric) -> Iterator[str]:
    """The lines of one note."""
    match note:
        case Unconverged():
            yield guard_text(note)
        case Gain():
            yield f"At {damage_place(note.damage, sweep)} the deficit helps: it {damage_effect(note.damage, metric)}."
        case EqualDamages():
            rests = "rest on the resolution of the test alone" if note.rounded else "have no width"
            yield f"Some damages are equal in every seed, so their intervals {rests}."
        case InterventionEffect():
            yield _intervention(note, sweep, MetricWords(metric))
        case Mixture():
            yield from mixture_lines(note)
        case BackgroundEffect():
            names, own = ", ".join(one.words() for one in note.background), note.effect
            yield f"The background alone ({names}) {MetricWords(metric).effect(own.mean, own.low, own.high, own.n)}."
        case SourceBalance():
            yield f"{capital(plain_arm(note.arm))} at {note.at}: {balance_text(note)}"
        case PrimeWindows():
            yield windows_text(note)
        case _:
            yield curve_note_text(note)


def curve_note_text(note: CurveNote) -> str:
    """A note of a curve as a sentence."""
    match note:
        case ControlPoint():
            damage = "the effect of the background" if note.is_background else "0 by definition"
            return f"The point at {note.at} is the control itself (n = {note.n}). Its damage is {damage}."
        case NeverRemoved():
            return "At 'never' the deficit lasts to the end. The verdict leaves this point out."
        case Diverged():
            has, them = ("has", "it") if note.runs == 1 else ("have", "them")
            return (
                f"{count(note.runs, 'run')} diverged and {has} no final score, so means without {them} may be too high."
            )
        case Unfinished():
            pairs = count(note.pairs, "pair of run and control", "pairs of run and control")
            verb = "is" if note.pairs == 1 else "are"
            return f"{pairs} {verb} left out because either is missing or failed, or the control diverged."
        case MixedMachines():
            pairs = count(note.pairs, "pair of run and control", "pairs of run and control")
            verb = "was" if note.pairs == 1 else "were"
            return f"{pairs} {verb} made on more than one kind of machine or version of torch."
        case SingleSeed():
            return "Points with one seed have no interval."
        case _:
            assert_never(note)


def _intervention(note: InterventionEffect, sweep: Sweep, words: MetricWords) -> str:
    what = note.intervention.words() if note.intervention else "no intervention"
    said = f"With {what} the damage is {words.result(note.effect, named=True)}, at {places(sweep, note.at)}"
    if note.against_intervened is not None:
        said += f" ({words.result(note.against_intervened)}, compared with clean runs that received it too)"
    if note.removed is None:
        return f"{said}."
    return f"{said}. The damage of {note.compared_arm} is larger by {words.result(note.removed)}."
