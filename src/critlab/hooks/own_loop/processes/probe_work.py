"""A probe in another process: from the message that begins its work."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

import torch

from critlab._core.user_code.identity import OwnCode
from critlab.engine.learner import Learner, WorkSource
from critlab.engine.records.own_code import refuse_edited
from critlab.engine.records.study_ids import StudyIds
from critlab.engine.study_run import StudyRun
from critlab.hooks.deprivation import DataInfo
from critlab.hooks.own_loop.given import GivenLoop, given_loop
from critlab.hooks.own_loop.learner import OwnLearner, OwnLoop
from critlab.hooks.own_loop.study import AnyStudy, ProbeStudy, probe_codes, read_again
from critlab.store import Store, checkpoint
from critlab.study.runs.origin import Numerics
from critlab.training.states.packing import pack, unpack

PROBE_FUNCTIONS = ("make", "advance", "evaluate", "save", "load")
"""What the loop of a probe has."""


def probe_source(loop: GivenLoop, knowledge: DataInfo, threads: int | None) -> WorkSource:
    """From what another process makes a probe and its learner."""
    values = {"loop": loop.path, "device": loop.device, "threads": threads or 1, "knowledge": encoded(knowledge)}
    return WorkSource("critlab.hooks.own_loop.processes.probe_work:probe_work", values)


def probe_work(setup: Mapping[str, Any], images: object) -> tuple[StudyRun, Learner]:
    """The probe that a message describes, and its learner.

    Raises:
        CritlabError: the user's code is not what it was when the message was written.
    """
    values = setup["source_values"]
    loop, knowledge = loop_again(values, PROBE_FUNCTIONS, "probe"), decoded(values["knowledge"])
    plain = setup["study"]
    codes = probe_codes(loop, knowledge, named="version" not in plain["model"])
    study, ids = study_again(ProbeStudy, setup, codes)
    run = StudyRun.assemble(study, ids, Store(setup["store"]))
    return run, OwnLearner(OwnLoop(**loop.functions), knowledge, study.metric.name)


def loop_again(
    values: Mapping[str, Any], named: tuple[str, ...], of: str, optional: frozenset[str] = frozenset()
) -> GivenLoop:
    """The loop that a message names, made in this process; torch computes on as many threads as it says."""
    torch.set_num_threads(int(values["threads"]))
    return given_loop(values["loop"], {}, named=named, of=of, device=values["device"] or "auto", optional=optional)


def study_again(
    kind: type[AnyStudy], setup: Mapping[str, Any], codes: Iterable[tuple[str, OwnCode]], **more: Any
) -> tuple[AnyStudy, StudyIds]:
    """The study that a message describes, and the names of what it makes.

    Raises:
        CritlabError: the user's code is not what it was when the message was written.
    """
    study = read_again(kind, setup["study"], codes, **more)
    refuse_edited(study, setup["code"])
    numerics = Numerics.read(setup["numerics"], "numerics")
    return study, StudyIds(study, setup["fingerprint"], numerics, setup["adopted"], setup["versions"])


def encoded(knowledge: DataInfo) -> str:
    """What deficits know of the data, as text for a message."""
    values = [knowledge.examples, knowledge.classes, knowledge.normalised, knowledge.labels, knowledge.key]
    return base64.b64encode(checkpoint.encode("knowledge", pack(values))).decode()


def decoded(text: str) -> DataInfo:
    """What :func:`encoded` wrote."""
    return DataInfo(*unpack(checkpoint.decode("knowledge", base64.b64decode(text))))
