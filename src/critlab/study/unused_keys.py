"""Keys that a study was given and that change nothing, one remark each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from critlab._core.loading.imports import is_path
from critlab._core.problems import shown
from critlab.study.checks import deficits
from critlab.study.runs.recipe import recipes
from critlab.study.schedules import schedule

if TYPE_CHECKING:
    from critlab.study.study import Study

HELD = ("negative_control", "clock_control", "intervention_control")
"""The roles of runs that may stand at any point of ``controls.at``."""

WITHOUT_BATCH_NORM = ("token_transformer", "two_stream_transformer")
"""critlab's models that have none whatever their options: a plan cannot look, because it needs no torch."""


def unused_remarks(study: Study) -> list[str]:
    """One line for each key that was given and changes nothing, where refusing it would lose finished studies."""
    return [
        *_rates(study),
        *_controls(study),
        *_lengths(study),
        *_interventions(study),
        *_measures(study),
        *_batches(study),
        *_augmentation(study),
        *_batch_norm(study),
    ]


def _rates(study: Study) -> Iterator[str]:
    optimizer = study.optimizer
    clocks = dict.fromkeys(run.clock for run in study.runs)
    if optimizer.lr_decay != 1 and all(schedule(clock).ignores_decay for clock in clocks):
        text = f"received {optimizer.lr_decay:g}, but clock {shown(optimizer.clock)} does not use it; omit it"
        yield f"optimizer.lr_decay: {text}"
    decay = max(recipe.weight_decay for run in study.runs for recipe in recipes(run, study))
    for key, needed in optimizer.options.unused(optimizer.momentum, decay):
        text = f"received {shown(getattr(optimizer.options, key))}, which does nothing without {needed}; omit it"
        yield f"optimizer.{key}: {text}"


def _controls(study: Study) -> Iterator[str]:
    controls, own = study.controls, study.optimizer.clock
    if own in (controls.clocks or ()):
        yield f"controls.clocks: received {shown(own)}, the study's own clock, which adds no run; omit it"
    by_default = controls.delay or controls.clocks is None
    tested = [at for at in controls.at or () if at in study.sweep.treated and study.sweep.tested(at)]
    if controls.at and not (by_default and tested) and not any(run.role in HELD for run in study.runs):
        yield f"controls.at: received {shown(controls.at)}, where no control has a run; add a point, or omit it"
    swept = {run.at: recipes(run, study) for run in study.runs if run.role == "deficit"}
    for clock in controls.clocks or ():
        runs = [run for run in study.runs if run.role == "clock_control" and run.clock == clock]
        if runs and all(recipes(run, study) == swept.get(run.at) for run in runs):
            text = "whose learning rates are those of the study's own clock in every run; omit it"
            yield f"controls.clocks: received {shown(clock)}, {text}"
    if controls.equal_total and _without_equal_total(study).runs == study.runs:
        yield "controls.equal_total: received true, but all runs of the sweep have equal length already; omit it"
    if controls.delay and "delay" in controls.model_fields_set and study.sweep.asks_when:
        yield "controls.delay: received true, but a sweep over switch times has no delay control; omit it"


def _without_equal_total(study: Study) -> Study:
    return study.model_copy(update={"controls": study.controls.model_copy(update={"equal_total": False})})


def _lengths(study: Study) -> Iterator[str]:
    """Numbers of epochs that no run reaches."""
    trained = [run for run in study.runs if not run.frozen]
    totals = sorted(run.total for run in trained if run.role in ("control", "deficit"))
    if study.pretraining is not None and study.pretraining.epochs >= totals[0]:
        which, whose = (
            ("longest", "no run") if study.pretraining.epochs >= totals[-1] else ("shortest", "not every run")
        )
        length = _epochs(totals[-1] if which == "longest" else totals[0])
        text = f"received {study.pretraining.epochs}, but the {which} run has {length}, so {whose} is trained on the"
        yield f"pretraining.epochs: {text} study's own objective; give fewer"
    if study.pretraining is not None and study.pretraining.objective == study.objective:
        yield f"pretraining.objective: received {study.objective.name}, the study's own objective; omit [pretraining]"
    most, default = study.statistics.final_epochs, type(study.statistics).model_fields["final_epochs"].default
    fewest = min(len(run.final_epochs(most)) for run in trained)
    if fewest < most != default:
        text = f"received {most}, but some run has only {fewest} after the window, of which its score is the mean"
        yield f"statistics.final_epochs: {text}; give at most {fewest}"
    if study.statistics.closing_width is not None and study.sweep.asks_when:
        text = "but a sweep over switch times has no closing that points could narrow; omit it"
        yield f"statistics.closing_width: received {study.statistics.closing_width:g}, {text}"


def _epochs(number: int) -> str:
    return f"{number} epoch{'' if number == 1 else 's'}"


def _interventions(study: Study) -> Iterator[str]:
    """Interventions after a window that is not followed by an epoch."""
    done = {run.intervention for run in study.runs if run.intervention is not None and run.window.stop < run.total}
    named = [] if study.intervention is None else [("intervention", study.intervention)]
    named += [(f"controls.interventions.{place}", one) for place, one in enumerate(study.controls.interventions)]
    for key, intervention in named:
        if not intervention.changes_nothing and intervention not in done:
            yield f"{key}: received {intervention.words()}, but no run has an epoch after the window; omit it"


def _measures(study: Study) -> Iterator[str]:
    longest, sizes = max(run.total for run in study.runs), study.data.sizes()
    for name, options in study.measures.items():
        if options.every > longest:
            text = f"received {options.every}, but the longest run has {_epochs(longest)}"
            yield f"measures.{name}.every: {text}, so that it is read before training alone; give at most {longest}"
        asked, field = getattr(options, "images", None), type(options).model_fields.get("images")
        if sizes is None or asked is None or field is None or asked == field.default:
            continue
        split = getattr(options, "split", "train")
        there, kind = (sizes.test, "test") if split == "test" else (sizes.train, "training")
        if asked > there:
            text = f"received {asked:,}, but there are {there:,} {kind} images; give at most {there:,}"
            yield f"measures.{name}.images: {text}"


def _batches(study: Study) -> Iterator[str]:
    """Batches that are larger than an epoch, as ``data.epoch`` can make it."""
    epoch = study.data.epoch
    if epoch is None:
        return
    default = "" if "batch" in study.optimizer.model_fields_set else ", the default"
    asked = [("optimizer.batch", study.optimizer.batch, default)]
    asked += [("switch.batch", one.batch_size(0), "") for one in study.switch or () if one.name == "batch"]
    for key, batch, whose in asked:
        if batch > epoch:
            text = f"received {batch}{whose}, but an epoch has {epoch} images (data.epoch), which are one batch"
            yield f"{key}: {text}; give at most {epoch}"


def _augmentation(study: Study) -> Iterator[str]:
    """An order of deficit and augmentation where nothing is augmented, and views that nothing moves."""
    augment = study.augment
    if augment is not None and augment.views != "shared" and not (augment.flip or augment.shift):
        yield f"augment.views: received {shown(augment.views)}, which does nothing without flip or shift; omit it"
    # a switch may change the images as well, before or after the deficit
    if study.switch or any(recipe.augment is not None for run in study.runs for recipe in recipes(run, study)):
        return
    for place, deficit in deficits(study):
        if deficit.when != "after_augment":
            where = ".".join(map(str, place))
            yield f"{where}.when: received {shown(deficit.when)}, but no image is augmented; omit it"


def _batch_norm(study: Study) -> Iterator[str]:
    without = study.model.name in WITHOUT_BATCH_NORM or getattr(study.model, "batch_norm", True) is False
    if study.evaluation.batch_norm == "recomputed" and without and not is_path(study.model.name):
        yield 'evaluation.batch_norm: received "recomputed", but the model has no BatchNorm; omit it'
