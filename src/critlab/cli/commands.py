"""The commands of ``critlab``: their arguments and help texts. The work is done in other packages."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from critlab._core.streams import apart, show
from critlab._core.text import printable
from critlab.cli.bench import bench
from critlab.cli.grouped import grouped
from critlab.cli.options import (
    STORE,
    DataFolder,
    Device,
    FigureOptions,
    Json,
    Means,
    Precision,
    Scale,
    StoreFolder,
    StudyName,
    Workers,
    show_version,
    usable_folder,
    writable_file,
    writable_page,
)

if TYPE_CHECKING:
    from critlab.analysis.tables.results import Results
    from critlab.store import Store
    from critlab.study.study import Study

app = typer.Typer(
    name="critlab",
    help="The laboratory for critical learning periods: when does a deficit in training leave lasting damage?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(bench, name="bench")


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=show_version),
    ] = False,
) -> None:
    """The laboratory for critical learning periods: when does a deficit in training leave lasting damage?"""


@app.command()
@apart()
def demo(
    store: StoreFolder = STORE,
    out: Annotated[Path, typer.Option("--out", help="File for the HTML page.", callback=writable_page)] = Path(
        "critlab-demo.html"
    ),
    workers: Workers = None,
) -> None:
    """Run the demo's studies on the bundled images (minutes on a laptop) and write their HTML page."""
    from critlab.papers.demo import FIGURE, FURTHER
    from critlab.report.text.terminal import announce_page
    from critlab.sequential.first_curve import FirstCurve
    from critlab.store import Store

    first = FirstCurve(Store(store))
    done = [_run(study, store, workers=workers, during=first) for study in FIGURE.parts("demo").values()]
    announce_page([results for _, results in done], out, FURTHER, f"open {out} in a browser")
    raise typer.Exit(max(code for code, _ in done))


@app.command()
@apart()
def plan(
    study: StudyName,
    store: StoreFolder = STORE,
    scale: Scale = None,
    workers: Workers = None,
    data: DataFolder = None,
    measure: Annotated[bool, typer.Option("--measure", help="Load the data and time a training step.")] = False,
    as_json: Json = False,
) -> None:
    """Show what a study costs (runs, epochs, disk, time) without running it."""
    from critlab.engine.planning.processors import default_workers
    from critlab.report.text.terminal import plan_text
    from critlab.sequential.cost import plan as make_plan
    from critlab.store import Store

    count = workers or default_workers()
    made = make_plan(_study(study, scale), Store(store), workers=count, measure=measure, folder=data)
    show(json.dumps(made.document()) if as_json else plan_text(made))


@app.command()
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
    from critlab.report.document import verdict_document
    from critlab.report.text.terminal import announce_verdict
    from critlab.sequential.live_page import LivePage
    from critlab.store import Store

    chosen = _study(study, scale)
    live = LivePage(Store(store), page) if page else None
    more = {"replace": replace, "remeasure": remeasure, "executor": executor, "gpu_share": gpu_share, "during": live}
    code, results = _run(chosen, store, **means.options(), **more)
    if live:
        live.write(results)
    unfinished = any(outcome.status in ("missing", "failed") for outcome in results.outcomes)
    following = _command("run" if unfinished else "report", study, scale, store)
    if as_json:
        show(json.dumps({**verdict_document(results), "next": following}, allow_nan=False))
    else:
        announce_verdict(results, following)
    raise typer.Exit(code)


@app.command()
@apart()
def when(
    study: StudyName,
    store: StoreFolder = STORE,
    scale: Scale = None,
    present: Annotated[
        int | None, typer.Option("--present", metavar="EPOCH", help="The epoch at which you switch today.")
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option("--tolerance", help="Largest loss of accuracy (a fraction) that does not matter. Default: 0.01."),
    ] = None,
    workers: Workers = None,
    device: Device = "auto",
    precision: Precision = "auto",
    data: DataFolder = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="File for the page. Default: STUDY's name .html.", callback=writable_page),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run what is missing of a study over switch times and show the best time, its plateau, and the present cost."""
    from critlab.report import report as write_page
    from critlab.report.text.terminal import announce_page
    from critlab.report.timing_document import timing_document
    from critlab.sequential.when import asked_when

    chosen = asked_when(_study(study, scale), present, tolerance)
    means = {"workers": workers, "device": device, "precision": precision, "folder": data}
    code, results = _run(chosen, store, **means)
    target = out or Path(f"{chosen.name}.html")
    if as_json:
        page = f"{write_page(results, target).absolute()}"
        show(json.dumps({**timing_document(results), "page": page}, allow_nan=False))
    else:
        announce_page(results, target)
    raise typer.Exit(code)


@app.command()
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

    chosen = _study(study, scale) if study else None
    found = simulate(chosen, studies=studies, seed=seed, progress=_tell_part)
    show(json.dumps(found.document()) if as_json else calibration_text(found))


@app.command()
@apart()
def status(study: StudyName, store: StoreFolder = STORE, scale: Scale = None, as_json: Json = False) -> None:
    """Show which runs are done, running, interrupted, blocked, diverged or failed, and why."""
    from critlab.analysis.tables.progress import progress
    from critlab.report.text.store import status_text
    from critlab.store import Store

    place = Store(store)
    chosen = _in_play(study, scale, place)
    _tell_edited(chosen, place)
    found = progress(chosen, place)
    command = _command("run", study, scale, store)
    show(json.dumps(found.document(command)) if as_json else status_text(found, command))


@app.command()
@apart()
def verify(
    study: Annotated[str | None, typer.Argument(metavar="[STUDY]", help="Check only the files of this study.")] = None,
    store: StoreFolder = STORE,
    scale: Scale = None,
    as_json: Json = False,
) -> None:
    """Check every file of a store: its digest and the files it depends on. The exit status is 1 if one is wrong."""
    from critlab.engine.maintenance.verify import verify as look_over
    from critlab.report.text.store import verification_text
    from critlab.store import Store

    place = Store(store)
    found = look_over(place, _in_play(study, scale, place) if study else None)
    show(json.dumps(found.document()) if as_json else verification_text(found))
    raise typer.Exit(1 if found.wrong else 0)


@app.command()
@apart()
def gc(
    studies: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[STUDY]...", help="Keep the files of these studies only. Default: all studies in the store."
        ),
    ] = None,
    store: StoreFolder = STORE,
    scale: Scale = None,
    apply: Annotated[bool, typer.Option("--apply", help="Move the files to the store's trash.")] = False,
    orphans: Annotated[bool, typer.Option("--orphans", help="Include files that belong to no study record.")] = False,
    empty: Annotated[bool, typer.Option("--empty-trash", help="Delete everything in the store's trash.")] = False,
    as_json: Json = False,
) -> None:
    """Show how much disk space unused files take up. Use --apply to move them to the trash."""
    from critlab._core.errors import StudyError
    from critlab.engine.maintenance.gc import collect, empty_trash
    from critlab.report.text.store import emptied_text, garbage_text
    from critlab.store import Store

    place = Store(store)
    if empty and not (studies or apply or orphans):
        files, taken = empty_trash(place)
        document = {"schema_version": 2, "emptied": {"files": files, "bytes": taken}}
        show(json.dumps(document) if as_json else emptied_text(files, taken, str(store)))
        return
    if empty:
        raise StudyError("--empty-trash: received other options or studies as well; use it alone")
    found = collect(place, [_in_play(name, scale, place) for name in studies or ()], apply, orphans)
    show(json.dumps(found.document(place.root)) if as_json else garbage_text(found, str(store)))


@app.command()
@apart()
@grouped
def report(
    study: StudyName,
    store: StoreFolder = STORE,
    scale: Scale = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="File for the page. Default: STUDY's name .html.", callback=writable_page),
    ] = None,
    *,
    drawn: FigureOptions,
    as_json: Json = False,
) -> None:
    """Write the HTML page of a study, or the interactive page of `phase` and `pathways`. It works offline."""
    from critlab.analysis.tables.reading import read_results
    from critlab.papers.playground import write_playground
    from critlab.report import report as write_page
    from critlab.report import save_figures as draw
    from critlab.report.document import verdict_document
    from critlab.report.text.terminal import announce_page
    from critlab.store import Store

    style = drawn.style()
    if playground := write_playground(study, out or Path(f"{study}.html")):
        page = f"{playground.absolute()}"
        show(json.dumps({"schema_version": 1, "page": page}) if as_json else f"page: {page}")
        return
    place = Store(store)
    chosen = _in_play(study, scale, place)
    _tell_edited(chosen, place)
    results = read_results(chosen, place)
    unfinished = any(outcome.status in ("missing", "failed") for outcome in results.outcomes)
    following = _command("run", study, scale, store)
    if not unfinished:
        following = _command("export", study, scale, store, "--out", f"{chosen.name}.csv")
    target = out or Path(f"{chosen.name}.html")
    if drawn.figures:
        draw(results, drawn.figures, style)
        if not as_json:
            show(f"figures: {drawn.figures}")
    if as_json:
        page = f"{write_page(results, target).absolute()}"
        show(json.dumps({**verdict_document(results), "page": page, "next": following}, allow_nan=False))
    else:
        announce_page(results, target, following=following)


@app.command()
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
    from critlab.report.text.terminal import reproduction_text
    from critlab.store import Store

    style, target = drawn.style(), out or Path(f"{figure}.html")
    made = make(figure, scale, Store(store), RunOptions(**means.options()), target, drawn.figures, style)
    document = {"schema_version": 1, "figure": figure, "comparisons": [asdict(row) for row in made.comparisons]}
    show(json.dumps(document) if as_json else reproduction_text(made.comparisons, made.page))
    raise typer.Exit(made.status)


@app.command()
@apart()
def export(
    study: StudyName,
    store: StoreFolder = STORE,
    scale: Scale = None,
    form: Annotated[
        Literal["csv", "json", "parquet"] | None,
        typer.Option("--format", help="Format of the table. Default: the suffix of --out, or csv."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="File for the table. Default: stdout.", callback=writable_file)
    ] = None,
) -> None:
    """Export the results as a tidy table: one row per run, epoch and quantity."""
    from critlab.analysis.tables.export import chosen_format
    from critlab.analysis.tables.export import export as write
    from critlab.analysis.tables.reading import read_results
    from critlab.store import Store

    written, place = chosen_format(form, out), Store(store)
    chosen = _in_play(study, scale, place)
    _tell_edited(chosen, place)
    write(read_results(chosen, place), written, out)


@app.command()
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
    from critlab._core.text import say
    from critlab.hooks.sidecar.sidecar import Sidecar, read_plan
    from critlab.report.text.sensitivity import course_text

    made = Sidecar(folder, read_plan(training), store=store, every=every, say=say)
    for found in made.answers(once=once):
        if as_json:
            say(found.sentence)
        else:
            show(found.sentence)
    closings = {name: (one.answer, one.low, one.high, one.estimate) for name, one in made.course.closings.items()}
    show(json.dumps(made.document(), allow_nan=False) if as_json else course_text(closings))
    made.refuse_unanswered()


@app.command("list")
@apart()
def list_(
    what: Annotated[
        Literal[
            "deficits",
            "data",
            "models",
            "measures",
            "objectives",
            "sweeps",
            "switches",
            "clocks",
            "executors",
            "figures",
        ],
        typer.Argument(),
    ],
    store: StoreFolder = STORE,
    scale: Annotated[
        str | None,
        typer.Option("--scale", help="Count the epochs of every figure at this scale."),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the available components or figures, with their sources."""
    from critlab.cli.catalogue import catalogue
    from critlab.report.text.terminal import catalogue_text

    rows = catalogue(what, scale)
    show(json.dumps({"schema_version": 1, what: rows}) if as_json else catalogue_text(rows))


def _tell_edited(study: Study, store: Store) -> None:
    """Says on standard error where the user's own code is not that of the study's latest run in this store."""
    from critlab.engine.records.adoption import code_remark

    if remark := code_remark(study, store):
        typer.echo(printable(f"critlab: {remark}"), err=True)


def _tell_part(done: int, of: int) -> None:
    """Says every tenth part of a calibration on standard error."""
    if done % max(of // 10, 1) == 0:
        typer.echo(f"critlab: {done} of {of} parts simulated", err=True)


def _command(name: str, study: str, scale: str | None, store: Path, *more: str) -> str:
    """The command ``name`` for the same study in the same store."""
    scaled = ["--scale", scale] if scale else []
    return shlex.join(["critlab", name, study, *scaled, "--store", str(store), *more])


def _study(name: str, scale: str | None) -> Study:
    from critlab.papers.registry import find_study

    return find_study(name, scale)


def _in_play(name: str, scale: str | None, store: Store) -> Study:
    """The study with the seeds and points that the store's looks put in play."""
    from critlab.engine.records.look_record import now_in_play

    return now_in_play(_study(name, scale), store)


def _run(study: Study, store: Path, **means: Any) -> tuple[int, Results]:
    from critlab._core.text import say
    from critlab.analysis.tables.reading import read_results
    from critlab.engine.context import RunOptions
    from critlab.sequential.loop import run_study_to_answer
    from critlab.store import Store

    place = Store(store)
    done, stage, results = run_study_to_answer(study, place, RunOptions(**means), say)
    if done.outcome.stopped:
        raise typer.Exit(done.status)
    return done.status, results or read_results(stage, place)
