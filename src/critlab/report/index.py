"""The index of a store: one row for each of its studies, with its answer and a link to its page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from critlab._core.errors import CritlabError, StudyError
from critlab._core.version import VERSION
from critlab.analysis.tables.reading import read_results
from critlab.analysis.tables.results import Results
from critlab.engine.maintenance.study_files import Recorded, recorded
from critlab.report.page import environment, report, style
from critlab.report.text.judgement.verdict import ANSWERS, headline
from critlab.report.text.names import question, title
from critlab.report.text.numbers import count
from critlab.report.text.study.so_far import progress_line
from critlab.report.text.timing.study_timing import study_timing_lines, timing_label
from critlab.store import Store
from critlab.store.delivery import check_page, deliver


@dataclass(frozen=True)
class IndexRow:
    """One study of a store.

    Args:
        name: the study's.
        title: in words.
        question: what it asks; empty where it cannot be read.
        status: ``done`` or ``running``; empty where the study cannot be read.
        kind: what the answer is shown as.
        answer: in a word or two.
        headline: the answer's number in a line, or why the study cannot be read.
        page: address of its page next to the index; empty where there is none.
    """

    name: str
    title: str
    question: str
    status: str
    kind: str
    answer: str
    headline: str
    page: str = ""


def write_index(store: Store, path: Path) -> tuple[IndexRow, ...]:
    """Write the index of ``store`` to ``path``, and the page of each study next to it.

    Studies that use code of a user's own are listed without a page: an index runs no code that only a store names.

    Returns:
        The rows, in the order of names.

    Raises:
        StudyError: there is no such store, it has no study, or ``path`` cannot be written.
    """
    check_page(path)
    if not store.root.is_dir():
        raise StudyError(f"--store: received {store.root}, which is not a store")
    found = sorted((one for one in recorded(store) if _is_shown(one)), key=_name)
    if not found:
        raise StudyError(f"{store.root}: has no study; run one first: critlab run STUDY --store {store.root}")
    rows = tuple(_row(one, store, path) for one in found)
    deliver(path, index_page(rows, store.root.absolute().name).encode())
    return rows


def _is_shown(one: Recorded) -> bool:
    """Whether a record stands for a study: not one that another study has replaced, nor a damaged one."""
    return one.record is not None and not one.record.replaced


def _name(one: Recorded) -> str:
    return "" if one.record is None else one.record.name


def _row(one: Recorded, store: Store, path: Path) -> IndexRow:
    name = _name(one)
    if one.owner is None:
        advice = f"{one.why}. Use critlab report with its study file." if one.own_code else one.why
        return IndexRow(name, name, "", "", "undecided", "not read", advice)
    try:
        results = read_results(one.owner.run.study, store)
        target = path.with_name(f"{path.stem}-{re.sub(r'[^A-Za-z0-9._-]', '_', name)}.html")
        report(results, target)
        return _of_results(results, target.name)
    except CritlabError as error:
        return IndexRow(name, name, "", "", "undecided", "not read", f"{error}")


def _of_results(results: Results, page: str) -> IndexRow:
    study, verdict = results.study, results.verdict()
    named = (study.name, title(study), question(study))
    status = "running" if verdict.epochs_left else "done"
    if study.sweep.asks_when and (found := results.timing()) is not None:
        kind = "done" if found.decided else "undecided"
        first = study_timing_lines(results, found)[0]
        return IndexRow(*named, status, kind, timing_label(found), first, page)
    said = f"{progress_line(results, verdict)}." if verdict.answer == "running" else headline(verdict)
    return IndexRow(*named, status, verdict.answer, ANSWERS[verdict.answer], said, page)


def index_page(rows: Sequence[IndexRow], name: str) -> str:
    """The index of the store called ``name`` as one HTML document that loads nothing."""
    text: str = (
        environment()
        .get_template("index.html.jinja")
        .render(
            title=f"Studies in the store {name}",
            said=f"{count(len(rows), 'study', 'studies')}: {', '.join(_counts(rows))}.",
            rows=rows,
            style=Markup(style()),
            version=VERSION,
        )
    )
    return text


def _counts(rows: Sequence[IndexRow]) -> Iterator[str]:
    """How many studies have each answer."""
    for answer in dict.fromkeys(row.answer for row in rows):
        yield f"{sum(row.answer == answer for row in rows)} {answer}"


def index_document(rows: Sequence[IndexRow], path: Path) -> str:
    """The index as one JSON document."""
    return json.dumps({"schema_version": 1, "page": f"{path.absolute()}", "studies": [vars(row) for row in rows]})
