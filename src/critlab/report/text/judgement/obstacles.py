"""What stands in the way of an undecided verdict, other than too few seeds: failed runs, test images, two kinds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from critlab.analysis.judgement.verdict import Reason, Verdict
from critlab.report.text.judgement.damages import damage_name, damage_place
from critlab.report.text.metric_words import MetricWords
from critlab.report.text.names import capital
from critlab.report.text.numbers import count, listing

WITHOUT_SEEDS: set[Reason] = {"few_seeds", "few_seeds_at_some_points", "no_results"}
"""The reasons that failed runs may have caused."""


def obstacle_words(verdict: Verdict) -> Mapping[str, str]:
    """The parts of the sentences of reasons that depend on the verdict, by the name of their place."""
    return {"adjusted": _adjusted(verdict), "images": _images(verdict), "without": _without(verdict)}


def obstacle_remedies(verdict: Verdict) -> Iterator[str]:
    """What to do about them, one sentence each."""
    if WITHOUT_SEEDS.intersection(verdict.reasons) and _failed(verdict):
        yield "Run the study again to repeat the runs that failed."
    if verdict.images_needed is not None:
        now = max(one.images for one in verdict.damages)
        yield f"About {count(verdict.images_needed, 'test image')} would be needed with these seeds (now {now:,})."
    elif "images" in verdict.reasons:
        yield "The study needs more test images."


def _failed(verdict: Verdict) -> bool:
    few = (one for one in verdict.damages if not one.decidable)
    return any(one.missing for one in verdict.without_results or few)


def _without(verdict: Verdict) -> str:
    if not verdict.without_results:
        return ""
    named = [f"{damage_name(one)} ({damage_place(one, verdict.sweep)})" for one in verdict.without_results]
    have = "has" if len(named) == 1 else "have"
    return f"{capital(listing(named))} {have} no results: in every seed, a run that it needs failed or diverged."


def _images(verdict: Verdict) -> str:
    """That seeds do not help, with the error from test images of the damage that they limit most."""
    one, said = verdict.hardest, "More seeds cannot decide on these test images"
    if one is None:
        return f"{said}."
    what, error = f"{damage_name(one)} ({damage_place(one, verdict.sweep)})", MetricWords(verdict.metric)
    return f"{said}: their choice alone gives {what} a standard error of {error.amount(one.image_stderr)}."


def _adjusted(verdict: Verdict) -> str:
    """Over which damages the evidence is adjusted that is not enough then."""
    found = max(verdict.evidence, key=lambda one: one.estimated, default=None)
    if found is not None and found.kind == "equal_total":
        return "over the lasting damages too"
    equal = any(one.kind == "equal_total" for one in verdict.damages)
    return "over the damages at equal length too" if equal else "for the number of lasting damages (Bonferroni)"
