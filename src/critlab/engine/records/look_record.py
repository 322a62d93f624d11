"""What the store remembers of the looks at a study: one record for each question, to which looks are only added."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from critlab._core.digest import digest
from critlab.engine.records.own_code import own_codes
from critlab.engine.records.standing import standing
from critlab.engine.records.study_ids import StudyIds
from critlab.store import Store
from critlab.store.disk.locks import writing
from critlab.study.runs.stages import Asked, Look, in_play
from critlab.study.sameness import lasting
from critlab.study.specs import ControlsSpec
from critlab.study.study import Study

LEVEL_BEFORE = 0.025
"""One-sided level of every verdict before looks were recorded."""


def question(study: Study, ids: StudyIds) -> dict[str, Any]:
    """The JSON values of ``study`` that stay while it grows; their digest names the record of its looks.

    They hold the origin of its runs and its own code, so a look at other data or at edited code is of another question.
    Controls and measures may be added, and so may their code.
    """
    bare = study.model_copy(update={"controls": ControlsSpec(), "measures": {}})
    codes = sorted(ids.adopted.get(code.digest, code.digest) for code in own_codes(bare))
    return {"study": lasting(study), "origin": ids.origin_digest(0), "code": codes}


def looks_name(study: Study, ids: StudyIds) -> str:
    """The name of the record of the looks at ``study``."""
    return name_of(question(study, ids))


def name_of(asked: Mapping[str, Any]) -> str:
    """The name of the record of the looks at the question ``asked``."""
    return digest("looks", asked)


def read_looks(store: Store, study: Study, ids: StudyIds) -> tuple[Look, ...]:
    """The looks at ``study`` that were made in ``store``, in order.

    Raises:
        StoreNewer: a newer critlab wrote their record.
    """
    body = store.read("looks", looks_name(study, ids))
    return tuple(_look(one) for one in body["looks"]) if body else looks_before(store, study)


def looks_before(store: Store, study: Study) -> tuple[Look, ...]:
    """The looks of an earlier critlab, which recorded none: one for each finished study that ``study`` grew from."""
    found = []
    for record in reversed(standing(store, study).relatives):
        seeds = record.study.get("seeds")
        if record.complete and isinstance(seeds, list | tuple):
            made = digest("look before", record.key)
            found.append(Look(made, tuple(seeds), (), LEVEL_BEFORE, True, "unknown"))
    return tuple(found)


def add_look(store: Store, study: Study, ids: StudyIds, look: Look, say: Callable[[str], None]) -> tuple[Look, ...]:
    """Adds ``look`` to the record, unless the same was looked at before, and gives all looks.

    Of processes that add at once, each waits for the one before.

    Raises:
        StoreUnwritable: the disk is full, or the folder may not be written.
    """
    asked = question(study, ids)
    name = name_of(asked)
    with writing(store.root, say) as locks, locks.waited(name) if locks else nullcontext():
        body = store.read("looks", name)
        before = body["looks"] if body else [one._asdict() for one in looks_before(store, study)]
        if all(one["judged"] != look.judged for one in before):
            store.write("looks", name, {"question": asked, "looks": [*before, look._asdict()]})
        return read_looks(store, study, ids)


def joined_looks(one: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The looks of two records of one question: those of ``one``, then the further ones of ``other``.

    Of a look that both have, the stricter level stays.
    """
    levels = {look["judged"]: look["level"] for look in other}
    kept = [{**look, "level": min(look["level"], levels.get(look["judged"], look["level"]))} for look in one]
    known = {look["judged"] for look in one}
    return [*kept, *(dict(look) for look in other if look["judged"] not in known)]


def now_in_play(study: Asked, store: Store) -> Asked:
    """``study`` with the seeds and points that its looks in ``store`` put in play; itself where it fixes both.

    Raises:
        StoreError: its record is newer than this critlab can read, or the system cannot read it.
    """
    if study.sequential is None and study.sweep.adaptive is None:
        return study
    record = standing(store, study).record
    return in_play(study, read_looks(store, study, record.ids(study)) if record else ())


def _look(body: Mapping[str, Any]) -> Look:
    """The look that a record holds; what a newer critlab adds to it is left out."""
    known = {key: body[key] for key in Look._fields if key in body}
    return Look(**{**known, "seeds": tuple(body["seeds"]), "points": tuple(body["points"])})
