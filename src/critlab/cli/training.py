"""The commands that train: demo, run, when, reproduce, sidecar."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from critlab._core.terminal.streams import apart, show
from critlab.cli.arguments.grouped import grouped
from critlab.cli.arguments.options import (
    STORE,
    FigureOptions,
    Json,
    Means,
    Scale,
    StoreFolder,
    StudyName,
    Workers,
    usable_folder,
    writable_page,
)
from critlab.cli.chosen import chosen_study, naming_file, next_command, run_to_answer


@apart()
def demo(
    store: StoreFolder = STORE,
    out: Annotated[Path, typer.Option("--out", help="File for the HTML page.", callback=writable_page)] = Path(
        "critlab-demo.html"
    ),
    workers: Workers = None,
) -> None:
    """Run the demo's studies on the bundled images (minutes on a laptop) and write their HTML page."""
    from critlab.papers.ours.demo import FIGURE, FURTHER
    from critlab.report.text.terminal import announce_page
    from critlab.sequential.first_curve import FirstCurve
    from critlab.store import Store

    first = FirstCurve(Store(store))
    done = [run_to_answer(study, store, workers=workers, during=first) for study in FIGURE.parts("demo").values()]
    announce_page([results for _, results in done], out, FURTHER, f"open {out} in a browser")
    raise typer.Exit(max(code for code, _ in done))


@apart()
@grouped
def run(
    study: StudyName,
    store: StoreFolder = STORE,
    scale: Scale = None,
    *,
    means: Means,
    executor: Annotated[
        str,
        typer.Option(
            "--engine",
            "--executor",
            metavar="NAME",
            help="Where tasks run: processes, inline (in this process), ray, or one of critlab list executors.",
        ),
    ] = "processes",
    gpu_share: Annotated[
        float, typer.Option("--gpu-share", min=0.01, max=1, help="Fraction of a GPU for each task (Ray only).")
    ] = 1.0,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the study of the same name in the store.")
    ] = False,
    remeasure: Annotated[
        bool, typer.Option("--remeasure", help="Repeat measurements made with an earlier version of a measure.")
    ] = False,
    page: Annotated[
        Path | None,
        typer.Option("--page", help="Write the HTML page here, again and again while it runs.", callback=writable_page),
    ] = None,
    as_json: Json = False,
) -> None:
    """Train and measure everything that the store does not hold yet. Repeat the command after an interruption."""
    from critlab.report.documents.document import verdict_document
    from critlab.report.text.terminal import announce_verdict
    from critlab.sequential.live_page import LivePage
    from critlab.store import Store

    chosen = chosen_study(study, scale)
    live = LivePage(Store(store), page) if page else None
    more = {"replace": replace, "remeasure": remeasure, "executor": executor, "gpu_share": gpu_share, "during": live}
    with naming_file(study):
        code, results = run_to_answer(chosen, store, **means.options(), **more)
    if live:
        live.write(results)
    unfinished = any(outcome.status in ("missing", "failed") for outcome in results.outcomes)
    command = "report" if not unfinished else "status" if means.part and not code else "run"
    following = next_command(command, study, scale, store)
    if as_json:
        show(json.dumps({**verdict_document(results), "next": following}, allow_nan=False))
    else:
        announce_verdict(results, following)
    raise typer.Exit(code)


@apart()
@grouped
def when(
    study: StudyName,
    store: StoreFolder = STORE,
    scale: Scale = None,
    present: Annotated[
        int | None, typer.Option("--present", metavar="EPOCH", help="The epoch at which you switch today.")
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            "--tolerance",
            help="Largest loss that does not matter, in the unit of the study's metric (accuracy: a fraction). "
            "Default: the tolerance of the study file, else its smallest damage.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="File for the page. Default: STUDY's name .html.", callback=writable_page),
    ] = None,
    *,
    means: Means,
    as_json: Json = False,
) -> None:
    """Run what is missing of a study over switch times and show the best time, its plateau, and the present cost."""
    from critlab.report import report as write_page
    from critlab.report.documents.timing_document import timing_document
    from critlab.report.text.terminal import announce_page
    from critlab.sequential.when import asked_when

    chosen = asked_when(chosen_study(study, scale), present, tolerance)
    with naming_file(study):
        code, results = run_to_answer(chosen, store, **means.options())
    target = out or Path(f"{chosen.name}.html")
    if as_json:
        page = f"{write_page(results, target).absolute()}"
        show(json.dumps({**timing_document(results), "page": page}, allow_nan=False))
    else:
        announce_page(results, target)
    raise typer.Exit(code)


@apart()
@grouped
def reproduce(
    figure: Annotated[str, typer.Argument(metavar="FIGURE", help="Name of a figure, see critlab list figures.")],
    scale: Annotated[
        Literal["demo", "small", "medium", "paper"] | None,
        typer.Option("--scale", help="Scale of the experiment. Default: small."),
    ] = None,
    store: StoreFolder = STORE,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="File for the page. Default: FIGURE's name .html.", callback=writable_page),
    ] = None,
    *,
    drawn: FigureOptions,
    means: Means,
    as_json: Json = False,
) -> None:
    """Reproduce a figure of a paper and compare its numbers with the published ones."""
    from critlab.engine.context import RunOptions
    from critlab.papers.reproduce import reproduce as make
    from critlab.report.text.figures.comparisons import comparison_row
    from critlab.report.text.terminal import reproduction_text
    from critlab.store import Store

    style, target = drawn.style(), out or Path(f"{figure}.html")
    made = make(figure, scale, Store(store), RunOptions(**means.options()), target, drawn.figures, style)
    rows = [asdict(comparison_row(one)) for one in made.comparisons]
    document = {"schema_version": 1, "figure": figure, "comparisons": rows}
    show(json.dumps(document) if as_json else reproduction_text(made.comparisons, made.page))
    raise typer.Exit(made.status)


@apart()
def sidecar(
    folder: Annotated[Path, typer.Argument(metavar="CHECKPOINT_DIR", help="Folder into which a training writes.")],
    training: Annotated[
        str, typer.Argument(metavar="module:training", help="A critlab.ForkPlan, or a function that returns one.")
    ],
    store: Annotated[
        Path | None,
        typer.Option(
            "--store", help="Folder of the forks and answers. Default: CHECKPOINT_DIR.", callback=usable_folder
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Answer what is there now, and end.")] = False,
    every: Annotated[
        bool, typer.Option("--every", help="Fork every checkpoint. Default: at log-spaced epochs.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Fork a running training's checkpoints: is its period open? Repeat the command after an interruption."""
    from critlab._core.terminal.text import say
    from critlab.hooks.sidecar.sidecar import Sidecar, read_plan
    from critlab.report.text.timing.sensitivity import course_text

    made = Sidecar(folder, read_plan(training), store=store, every=every, say=say)
    for found in made.answers(once=once):
        if as_json:
            say(found.sentence)
        else:
            show(found.sentence)
    closings = {name: (one.answer, one.low, one.high, one.estimate) for name, one in made.course.closings.items()}
    show(json.dumps(made.document(), allow_nan=False) if as_json else course_text(closings))
    made.refuse_unanswered()
