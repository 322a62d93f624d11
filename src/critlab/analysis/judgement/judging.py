"""From the results of a study to its verdict."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from critlab.analysis.closing import Closing, closing, complete_seeds, damaged_points
from critlab.analysis.confounds.found import confounds
from critlab.analysis.curve import Curve, Place, curve, main_arm, order
from critlab.analysis.judgement.damages import Damage, is_complete, judged_damages
from critlab.analysis.judgement.decision import FEW_SEEDS, WORST
from critlab.analysis.judgement.guards import unconverged, unlearned
from critlab.analysis.judgement.looks import looks
from critlab.analysis.judgement.noted import notes
from critlab.analysis.judgement.seeds_needed import hardest_claim, images_needed, seeds_needed, stopped_by_images
from critlab.analysis.judgement.verdict import OF_SEEDS, Answer, Reason, Verdict
from critlab.analysis.statistics import MINIMUM_SEEDS
from critlab.analysis.tables.study_table import StudyTable
from critlab.analysis.tables.unfinished import epochs_a_seed, epochs_left, further_epochs
from critlab.analysis.test_images import image_sample, least_sd
from critlab.study.runs.estimands import named_contrasts
from critlab.study.runs.missing_contrasts import MissingContrast, missing_contrasts


def verdict(results: StudyTable) -> Verdict:
    """Judge the study's own deficit by its named damages.

    Present: at least one of harm, beyond delay and timing at a matched learning rate exceeds the smallest damage of
    interest; its one-sided p value, adjusted over all of these and their points, is below the level. Damage only: a
    lasting damage exceeds it, and the upper limits of all these lie below it. Absent: the upper limits of all lasting
    and critical damages, and of those compared with clean runs of equal length, lie below it. Running: epochs of the
    study are not trained yet. Else undecided.

    Guards: where the control learned nothing, there is nothing to damage, and the answer is undecided. No run that
    diverged recovered, so it forbids ``damage_only`` and ``absent``; for ``absent``, so does one of the clean runs that
    show what longer training is worth. Where runs with the deficit train longer than the control, ``absent`` needs
    clean runs of equal length, or a bound on what clean training in that time would have been worth, the longest time
    included. ``absent`` needs a critical damage where the sweep has its controls by default, ``damage_only`` one at the
    point of the largest damage. A study without the controls that the answer needs is never called present, damage only
    or absent.

    Error: at most 2.5 % false "present" over the whole study, see :mod:`critlab.analysis.judgement.decision`.
    """
    # the control of the named damages: in a window sweep, the first control may be one whose schedule restarts
    return _Case(results, curve(results, main_arm(results), "plain")).verdict()


class _Case:
    """One study's evidence."""

    def __init__(self, results: StudyTable, main: Curve) -> None:
        self.results, self.main, self.study = results, main, results.study
        self.smallest = self.study.statistics.smallest_damage
        self.left = epochs_left(results)
        self.unlearned, self.unconverged = unlearned(results), unconverged(results)
        self.contrasts = named_contrasts(self.study)
        self.missing = missing_contrasts(self.study)
        made = looks(results)
        judged = judged_damages(results, self.contrasts, is_complete(self.missing), made.level)
        self.damages, self.decision = judged.damages, judged.decision
        self.plain = Verdict(
            "undecided",
            main.arm,
            main.sweep,
            self.smallest,
            made,
            self.damages,
            metric=results.metric,
            own_loop=bool(self.study.command),
        )

    @property
    def lasts(self) -> bool:
        """Whether some lasting damage is above the smallest of interest."""
        return any(one.exceeds for one in self.plain.lasting)

    @property
    def damaged(self) -> bool:
        """Whether lasting damage, or damage at equal length, is above the smallest of interest, each kind alone."""
        return self.lasts or any(one.exceeds for one in self.damages if one.kind == "equal_total")

    @property
    def deciding(self) -> list[Damage]:
        return [one for one in self.damages if one.kind != "context"]

    @property
    def needed(self) -> list[Damage]:
        """The damages that the answer needs below the smallest: for ``damage_only``, or for ``absent``."""
        return list(self.plain.critical) if self.damaged else [*self.deciding, *self.lengths]

    def diverged(self, absent: bool) -> bool:
        """Whether a run diverged that ``damage_only`` relies on, or with ``absent`` that "absent" does."""
        return any(one.diverged for one in (*self.deciding, *(self.lengths if absent else ())))

    def verdict(self) -> Verdict:
        answer = self.answer()
        at = self.judged()
        reasons = tuple(self.reasons()) if answer == "undecided" else ()
        seeds = self.seeds_needed(reasons)
        open_yet = reasons and seeds is None and not self.excluded(reasons)
        claimed = (self.damages, self.smallest, self.lengths, "images" in reasons)
        hardest = hardest_claim(*claimed) if open_yet else None
        return replace(
            self.plain,
            answer=answer,
            evidence=self.evidence(answer),
            missing=tuple(self.lacking(reasons)),
            seeds=len(self.study.seeds),
            seeds_needed=seeds,
            hardest=hardest,
            images_needed=self.images_needed(reasons, hardest),
            without_results=tuple(self.without_results()) if "no_results" in reasons else (),
            epochs_a_seed=epochs_a_seed(self.study) if seeds else 0,
            epochs=epochs_a_seed(self.study) * len(self.study.seeds) if self.left else 0,
            epochs_left=self.left,
            detectable_last=next((one.detectable for one in reversed(self.plain.lasting)), None),
            detectable_everywhere=self.detectable_everywhere(),
            closing=self.closing(),
            damaged_points=damaged_points(self.main, least_sd(self.results)) if self.lasts else 0,
            complete_seeds=complete_seeds(self.main),
            confounds=confounds(self.results, self.main, at, self.damages),
            notes=tuple(notes(self.results, self.main, self.plain, at, self.unconverged)),
            guards=tuple(guard for guard in (self.unlearned, self.unconverged) if guard is not None),
            reasons=reasons,
        )

    def answer(self) -> Answer:
        if self.left:
            return "running"
        if self.unlearned is not None:
            return "undecided"
        found = self.found
        excluding = found in ("damage_only", "absent")
        if excluding and (self.diverged(found == "absent") or self.unknown_at is not None):
            return "undecided"
        return "undecided" if found == "damage_only" and self.missing else found

    @property
    def found(self) -> Answer:
        """What the damages alone show."""
        return "undecided" if self.decision is None else str(self.decision.answer)  # type: ignore[return-value]

    @property
    def unknown_at(self) -> Place | None:
        """Where a critical damage must be known to be excluded, and is not; None where it is known.

        At the point of the largest damage that is evident; without any, where the sweep has its controls by default.
        """
        default = next(reversed(self.study.sweep.control_points), None)
        largest = max(self.evidence("damage_only"), key=lambda one: one.estimated, default=None)
        at = default if largest is None else largest.at
        return None if at in {one.at for one in self.plain.critical} else at

    @property
    def lengths(self) -> list[Damage]:
        """The damages that show what longer training is worth, and that "absent" needs to be bounded."""
        places = None if self.decision is None else self.decision.family.length
        return [self.damages[place] for place in places or ()]

    def judged(self) -> list[Place]:
        """The points that confounds are about: those of significant damage, else the one of the largest."""
        damaged = [one.at for one in self.plain.lasting if one.exceeds]
        return damaged or ([self.plain.largest.at] if self.plain.largest else [])

    def evidence(self, answer: Answer) -> tuple[Damage, ...]:
        equal = tuple(one for one in self.damages if one.kind == "equal_total")
        of = self.plain.critical if answer == "present" else self.plain.lasting + equal
        return tuple(sorted((one for one in of if one.exceeds), key=lambda one: (one.adjusted_p, -one.estimated)))

    def closing(self) -> Closing | None:
        if not self.lasts:
            return None
        sample = image_sample(self.results, self.lasting_terms())
        return closing(self.main, least_sd(self.results), 0.0 if sample is None else sample.variance)

    def lasting_terms(self) -> tuple[tuple[int, str], ...]:
        """The runs of the largest lasting damage, whose error over test images stands for all points."""
        largest = self.plain.largest
        return next(one.terms for one in self.contrasts if largest and (one.name, one.at) == (largest.name, largest.at))

    def detectable_everywhere(self) -> float | None:
        if self.decision is None or not self.plain.lasting:
            return None
        found = self.decision.detectable_everywhere(self.plain.lasting[0].kind)
        return found if math.isfinite(found) else None

    def seeds_needed(self, reasons: tuple[Reason, ...]) -> int | None:
        """More than there are; None where something else than seeds is in the way."""
        if not OF_SEEDS.intersection(reasons) or "images" in reasons or self.excluded(reasons):
            return None
        # a seed with a failed run does not count, so a further one has to replace it
        few = "few_seeds" in reasons
        done = [max(one.n for one in self.deciding)] if few else [one.n for one in self.needed if one.n]
        least = len(self.study.seeds) + max(1, MINIMUM_SEEDS - min(done, default=MINIMUM_SEEDS))
        found = least if few else seeds_needed(self.damages, self.smallest, self.plain.level, self.lengths)
        return None if found is None else max(found, least)

    def excluded(self, reasons: tuple[Reason, ...]) -> bool:
        """Whether the means point to an answer that a run that diverged forbids, to any but ``present``."""
        return "diverged" in reasons and all(one.estimated <= self.smallest for one in self.plain.critical)

    def images_needed(self, reasons: tuple[Reason, ...], hardest: Damage | None) -> int | None:
        """None unless test images rather than seeds are in the way."""
        limited = hardest is not None and hardest.limited_by == "images" and OF_SEEDS.intersection(reasons)
        if "images" not in reasons and not limited:
            return None
        return images_needed(self.damages, self.smallest, self.plain.level, self.lengths)

    def without_results(self) -> Iterator[Damage]:
        """The damages that the answer needs and of which no seed is done."""
        yield from (one for one in self.needed if not one.seeds)

    def stopped_by_images(self) -> bool:
        """Whether no number of seeds would decide on these test images, and nothing else is in the way."""
        answers = ["present"]
        if not self.missing and not self.diverged(absent=False):
            answers.append("damage_only")
        known = self.decision is not None and self.decision.family.length is not None
        if known and self.unknown_at is None and is_complete(self.missing) and not self.diverged(absent=True):
            answers.append("absent")
        return stopped_by_images(self.damages, self.smallest, self.plain.level, self.lengths, answers)

    def reasons(self) -> Iterator[Reason]:
        if self.study.sweep.asks_when:
            yield "asks_when"
            return
        if self.unlearned is not None:
            return
        if self.plain.largest is None:
            yield "no_pair" if self.plain.lasting else "no_point"
            return
        if not any(one.decidable for one in self.deciding):
            yield "few_seeds"
            return
        if any(one.seeds and not one.decidable for one in self.needed):
            yield "few_seeds_at_some_points"
        if any(self.without_results()):
            yield "no_results"
        if self.diverged(absent=not self.damaged):
            yield "diverged"
        if any(self.damaged or one.name != "timing" for one in self.missing):
            yield "missing_control"
        found = list(self._not_damage_only() if self.damaged else self._not_absent())
        stopped = bool(OF_SEEDS.intersection(found)) and self.stopped_by_images()
        yield from (reason for reason in found if not stopped or reason != "noise")
        if stopped:
            yield "images"

    def _not_damage_only(self) -> Iterator[Reason]:
        """Which conditions of ``damage_only`` are not met, where there is damage."""
        critical = self.plain.critical
        if not all(one.bounded for one in critical if one.decidable):
            yield "noise"
        elif self.missing:
            if not self.lasts:
                yield "equal_length"
        elif self.unknown_at is not None:
            yield "missing_control"
        elif all(one.bounded for one in critical) and self.found != "damage_only":
            yield "together"

    def _not_absent(self) -> Iterator[Reason]:
        """Which conditions of ``absent`` are not met, where no damage is shown."""
        if not all(one.bounded for one in self.deciding if one.decidable):
            yield "noise"
        elif self.decision is not None and self.decision.hidden:
            yield "length"
            if self.lengths and all(one.seeds and one.estimated < self.smallest for one in self.lengths):
                yield "noise"
        elif self.unknown_at is not None and is_complete(self.missing):
            yield "missing_control"
        elif any(one.n < FEW_SEEDS and one.worst >= WORST * self.smallest for one in self.deciding):
            yield "worst_seed"

    def lacking(self, reasons: tuple[Reason, ...]) -> Iterator[MissingContrast]:
        yield from self.missing
        if self.plain.largest is None:
            return
        at = self.unknown_at if self.unknown_at is not None else self.plain.largest.at
        controlled = not self.missing if self.damaged else is_complete(self.missing)
        if controlled and "missing_control" in reasons:
            places = sorted({*(one.at for one in self.plain.critical), at}, key=order)
            yield MissingContrast(
                "harm", at, "other_points", "controls.at", further_epochs(self.study, at=tuple(places))
            )
        if "length" in reasons:
            epochs = further_epochs(self.study, equal_total=True)
            yield MissingContrast("equal_total", at, "longer", "controls.equal_total", epochs)
