"""The commands before a study: plan, calibrate, list."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer

from critlab._core.terminal.streams import apart, show
from critlab.cli.arguments.options import (
    STORE,
    DataFolder,
    Json,
    PartOfWork,
    Scale,
    StoreFolder,
    StudyName,
    Workers,
)
from critlab.cli.chosen import chosen_study, naming_file


@apart()
def plan(
    study: StudyName,
    store: StoreFolder = STORE,
    scale: Scale = None,
    workers: Workers = None,
    data: DataFolder = None,
    measure: Annotated[bool, typer.Option("--measure", help="Load the data and time a training step.")] = False,
    part: PartOfWork = None,
    as_json: Json = False,
) -> None:
    """Show what a study costs (runs, epochs, disk, time) without running it."""
    from critlab.engine.planning.processors import default_workers
    from critlab.report.text.terminal import plan_text
    from critlab.sequential.cost import plan as make_plan
    from critlab.store import Store
    from critlab.study.runs.parts import Part

    count, chosen = workers or default_workers(), None if part is None else Part.read(part)
    asked = chosen_study(study, scale)
    with naming_file(study):
        made = make_plan(asked, Store(store), workers=count, measure=measure, folder=data, part=chosen)
    show(json.dumps(made.document()) if as_json else plan_text(made))


@apart()
def calibrate(
    study: Annotated[
        str | None,
        typer.Argument(metavar="[STUDY]", help="Simulate the design of this study. Default: three standard designs."),
    ] = None,
    scale: Scale = None,
    studies: Annotated[
        int | None,
        typer.Option("--studies", min=1, help="Simulated studies for each row. Default: 400; 100 without STUDY."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of all random numbers.")] = 0,
    as_json: Json = False,
) -> None:
    """Show how often a design gives a false answer, misses a critical period, and how well its intervals hold."""
    from critlab.report.text.calibration import calibration_text
    from critlab.running import calibrate as simulate

    chosen = chosen_study(study, scale) if study else None
    found = simulate(chosen, studies=studies, seed=seed, progress=_tell_part)
    show(json.dumps(found.document()) if as_json else calibration_text(found))


@apart()
def list_(
    what: Annotated[
        Literal[
            "deficits",
            "data",
            "models",
            "measures",
            "likelihoods",
            "tasks",
            "metrics",
            "objectives",
            "sweeps",
            "switches",
            "clocks",
            "optimizers",
            "executors",
            "figures",
        ]
        | None,
        typer.Argument(),
    ] = None,
    store: StoreFolder = STORE,
    scale: Annotated[
        str | None,
        typer.Option("--scale", help="Count the epochs of every figure at this scale."),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the available components or figures, with their sources. Without a name, list what there is of each kind."""
    from critlab.cli.catalogue import catalogue, overview
    from critlab.cli.catalogue_text import catalogue_text, overview_text

    if what is None:
        kinds = overview(scale)
        show(json.dumps({"schema_version": 1, "kinds": kinds}) if as_json else overview_text(kinds))
        return
    rows = catalogue(what, scale)
    show(json.dumps({"schema_version": 1, what: rows}) if as_json else catalogue_text(rows))


def _tell_part(done: int, of: int) -> None:
    """Says every tenth part of a calibration on standard error."""
    if done % max(of // 10, 1) == 0:
        typer.echo(f"critlab: {done} of {of} parts simulated", err=True)
