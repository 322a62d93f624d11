"""The loop above the engine: train what is in play, judge it, remember the look, and add seeds or a point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from critlab.analysis.closing import closing_draws
from critlab.analysis.judgement.looks import looks
from critlab.analysis.judgement.placing import further_point, known_within
from critlab.analysis.tables.reading import read_results
from critlab.analysis.tables.results import Results
from critlab.analysis.test_images import least_sd
from critlab.engine.context import RunOptions
from critlab.engine.records.look_record import add_look, now_in_play
from critlab.engine.records.standing import read_record
from critlab.engine.run import Report, run_study
from critlab.report.text.judgement.looks import growth_text
from critlab.report.text.numbers import count
from critlab.store import Store
from critlab.study.runs.stages import Asked, Look, in_play, judged
from critlab.study.study import Study

MOST_NAMES = 5
"""How many diverged runs a message lists."""


def run_to_answer(
    study: Asked, store: Store, train: Callable[[Asked], bool], say: Callable[[str], None]
) -> tuple[Asked, Results | None]:
    """Trains ``study`` until its answer is decided and its closing narrow enough, or its budget is spent.

    A study that fixes its seeds and points is trained and judged once. Every look is recorded in the store, so that the
    same call goes on after an interruption with the seeds and points that it would have had.

    Args:
        study: the question.
        store: where its results and the looks are.
        train: trains and measures what the store lacks of a study; says whether all of it is done.
        say: receives a sentence where seeds or a point are added.

    Returns:
        The study with the seeds and points in play, and its results; None where something of it could not be done.
    """
    while True:
        stage = now_in_play(study, store)
        if not train(stage):
            return stage, None
        results = read_results(stage, store)
        record = read_record(store, stage)
        if record is None or any(outcome.status not in ("done", "diverged") for outcome in results.outcomes):
            return stage, results
        look = look_at(results)
        made = add_look(store, stage, record.ids(stage), look, say)
        following = in_play(study, made)
        if (following.seeds, following.sweep.points) == (stage.seeds, stage.sweep.points):
            return stage, replace(results, looks=made)
        say(growth_text(look, stage, following))


def run_study_to_answer(
    study: Study, store: Store, means: RunOptions, say: Callable[[str], None]
) -> tuple[Report, Study, Results | None]:
    """The same with critlab's own training: the reports of all stages as one, the study in play, and its results.

    Raises:
        StudyError: as :func:`critlab.engine.run.run_study`, whose other errors pass through as well.
    """
    reports: list[Report] = []

    def train(stage: Study) -> bool:
        reports.append(run_study(stage, store, means))
        return reports[-1].status == 0

    stage, results = run_to_answer(study, store, train, say)
    trained, replayed = (sum(getattr(one, what) for one in reports) for what in ("trained", "replayed"))
    return replace(reports[-1], trained=trained, replayed=replayed), stage, results


def exit_status(done: Report, results: Results, say: Callable[[str], None]) -> int:
    """The exit status of a command that trained: 1 where a run diverged, also in an earlier command.

    Args:
        done: what the command did.
        results: of the study.
        say: receives a line that names the diverged runs.
    """
    gone = [outcome.name for outcome in results.outcomes if outcome.status == "diverged"]
    if not gone:
        return done.status
    more = f" and {len(gone) - MOST_NAMES} more" if len(gone) > MOST_NAMES else ""
    have, runs = "has" if len(gone) == 1 else "have", count(len(results.outcomes), "run")
    say(
        f"{results.study.name}: {len(gone)} of {runs} diverged and {have} no final score: "
        f"{', '.join(gone[:MOST_NAMES])}{more}; a lower learning rate may help"
    )
    return max(done.status, 1)


def look_at(results: Results) -> Look:
    """The look at complete results: their answer, and where a further point would narrow the closing."""
    if results.study.sweep.asks_when:
        return _timing_look(results)
    study, present, verdict = results.study, looks(results), results.verdict()
    width, place = None, None
    closing = verdict.closing
    if study.sweep.adaptive is not None and verdict.answer == "present":
        at = [int(point) for point in study.sweep.points]
        place = further_point(at, closing_draws(results.curve(against="plain"), least_sd(results)))
        if closing is not None and closing.low is not None and closing.high is not None:
            width = known_within(at, closing.low, closing.high)
    return Look(
        judged=judged(study),
        seeds=tuple(sorted(study.seeds)),
        points=study.sweep.points,
        level=present.level,
        planned=present.planned,
        answer=verdict.answer,
        more_seeds=verdict.seeds_may_decide or verdict.answer != "undecided",
        width=width,
        place=place,
    )


def _timing_look(results: Results) -> Look:
    """The look of a sweep over switch times: decided where no seed would change the answer."""
    study, present, found = results.study, looks(results), results.timing()
    decided = found is not None and found.decided
    return Look(
        judged=judged(study),
        seeds=tuple(sorted(study.seeds)),
        points=study.sweep.points,
        level=present.level,
        planned=present.planned,
        answer="decided" if decided else "undecided",
        more_seeds=found is not None,
        place=None if found is None else found.candidate,
    )
