"""The commands that read a store: status, report, export, verify, gc."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from critlab._core.terminal.streams import apart, show
from critlab._core.terminal.text import printable
from critlab.cli.arguments.grouped import grouped
from critlab.cli.arguments.options import (
    STORE,
    FigureOptions,
    Json,
    Scale,
    StoreFolder,
    StudyName,
    writable_file,
    writable_page,
)

if TYPE_CHECKING:
    from critlab.store import Store
    from critlab.study.study import Study

from critlab.cli.chosen import in_play, next_command


@apart()
def status(study: StudyName, store: StoreFolder = STORE, scale: Scale = None, as_json: Json = False) -> None:
    """Show which runs are done, running, interrupted, blocked, diverged or failed, and why."""
    from critlab.analysis.tables.progress import progress
    from critlab.report.text.store import status_text
    from critlab.store import Store

    place = Store(store)
    chosen = in_play(study, scale, place)
    _tell_edited(chosen, place)
    found = progress(chosen, place)
    command = next_command("run", study, scale, store)
    show(json.dumps(found.document(command)) if as_json else status_text(found, command))


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
    found = look_over(place, in_play(study, scale, place) if study else None)
    show(json.dumps(found.document()) if as_json else verification_text(found))
    raise typer.Exit(1 if found.wrong else 0)


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
    found = collect(place, [in_play(name, scale, place) for name in studies or ()], apply, orphans)
    show(json.dumps(found.document(place.root)) if as_json else garbage_text(found, str(store)))


@apart()
@grouped
def report(
    study: Annotated[
        str | None,
        typer.Argument(metavar="STUDY", help="A TOML file, a preset, or package.module:function. Default: an index."),
    ] = None,
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
    """Write the HTML page of a study, the interactive page of `phase` or `pathways`, or an index of a store."""
    from critlab._core.errors import StudyError
    from critlab.analysis.tables.reading import read_results
    from critlab.papers.playground import write_playground
    from critlab.report import report as write_page
    from critlab.report import save_figures as draw
    from critlab.report.documents.document import verdict_document
    from critlab.report.text.terminal import announce_page
    from critlab.store import Store

    style = drawn.style()
    if study is None:
        if drawn.figures or scale:
            raise StudyError("STUDY: missing; --figures and --scale need a study, an index of the store has none")
        _write_index(Store(store), out or Path("critlab-index.html"), as_json)
        return
    if playground := write_playground(study, out or Path(f"{study}.html")):
        page = f"{playground.absolute()}"
        show(json.dumps({"schema_version": 1, "page": page}) if as_json else f"page: {page}")
        return
    place = Store(store)
    chosen = in_play(study, scale, place)
    _tell_edited(chosen, place)
    results = read_results(chosen, place)
    unfinished = any(outcome.status in ("missing", "failed") for outcome in results.outcomes)
    following = next_command("run", study, scale, store)
    if not unfinished:
        following = next_command("export", study, scale, store, "--out", f"{chosen.name}.csv")
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


def _write_index(store: Store, out: Path, as_json: bool) -> None:
    """Write the index of a store and the pages of its studies, and say where they are."""
    from critlab.report.index import index_document, write_index

    rows = write_index(store, out)
    if as_json:
        show(index_document(rows, out))
        return
    for row in rows:
        show(f"{row.name}: {row.answer}" + (f", {out.with_name(row.page)}" if row.page else f" ({row.headline})"))
    show(f"index: {out.absolute()}")


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
    from critlab.analysis.tables.export import FORMATS, chosen_format
    from critlab.analysis.tables.export import export as write
    from critlab.analysis.tables.reading import read_results
    from critlab.store import Store
    from critlab.store.delivery import check_table

    if out is not None and form is None:
        check_table(out, FORMATS)
    written, place = chosen_format(form, out), Store(store)
    chosen = in_play(study, scale, place)
    _tell_edited(chosen, place)
    write(read_results(chosen, place), written, out)


def _tell_edited(study: Study, store: Store) -> None:
    """Says on standard error where the user's own code is not that of the study's latest run in this store."""
    from critlab.engine.records.adoption import code_remark

    if remark := code_remark(study, store):
        typer.echo(printable(f"critlab: {remark}"), err=True)
