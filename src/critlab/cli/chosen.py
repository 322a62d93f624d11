"""What several commands do with the study that they were given."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from critlab.analysis.tables.results import Results
    from critlab.store import Store
    from critlab.study.study import Study


def next_command(name: str, study: str, scale: str | None, store: Path, *more: str) -> str:
    """The command ``name`` for the same study in the same store."""
    scaled = ["--scale", scale] if scale else []
    return shlex.join(["critlab", name, study, *scaled, "--store", str(store), *more])


def chosen_study(name: str, scale: str | None) -> Study:
    """The study of a file, a figure or a function, by what a person wrote.

    Of a figure with several parts this is the first, and a line on standard error names the others.
    """
    from critlab._core.terminal.text import say
    from critlab.papers.registry import find_study, other_parts

    study = find_study(name, scale)
    if others := other_parts(name, scale):
        named, scaled = ", ".join(f"{name}/{part}" for part in others), f" --scale {scale}" if scale else ""
        say(
            f"{name}: this is the first of {len(others) + 1} parts; the others are {named}. "
            f"critlab reproduce {name}{scaled} runs them all"
        )
    return study


@contextmanager
def naming_file(name: str) -> Iterator[None]:
    """Puts the name of a study file before the message of what turns out later not to fit, such as after the data.

    Args:
        name: what a person wrote for the study; nothing is put before a message where it is no file.
    """
    from critlab._core.errors import DataError, StudyError
    from critlab.study.study import Study

    try:
        yield
    except (StudyError, DataError) as error:
        field = re.match(r"(\w+)[.:]", f"{error}")
        if field is None or field[1] not in Study.model_fields or not Path(name).is_file():
            raise
        raise StudyError(f"{name}: {error}") from error.__cause__


def in_play(name: str, scale: str | None, store: Store) -> Study:
    """The study with the seeds and points that the store's looks put in play."""
    from critlab.engine.records.look_record import now_in_play

    return now_in_play(chosen_study(name, scale), store)


def run_to_answer(study: Study, store: Path, **means: Any) -> tuple[int, Results]:
    """Train what the store lacks, until the study has its answer; the exit status and the results.

    Raises:
        typer.Exit: the work was stopped.
    """
    from critlab._core.terminal.text import say
    from critlab.analysis.tables.reading import read_results
    from critlab.engine.context import RunOptions
    from critlab.sequential.loop import exit_status, run_study_to_answer
    from critlab.store import Store

    place = Store(store)
    done, stage, results = run_study_to_answer(study, place, RunOptions(**means), say)
    if done.outcome.stopped:
        raise typer.Exit(done.status)
    results = results or read_results(stage, place)
    return exit_status(done, results, say), results
