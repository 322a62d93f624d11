"""What must hold between the parts of a study; each check gives problems, each with its place in the study."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import TYPE_CHECKING, Any

from critlab._core.errors import StudyError
from critlab._core.loading.imports import is_path
from critlab._core.problems import Location, shown
from critlab.deficits import Deficit
from critlab.deficits.input_form import UNIT, InputForm
from critlab.objectives import Objective
from critlab.study.default_controls import stops_or_nothing
from critlab.study.ingredients.intervention import Intervention
from critlab.study.schedules import Reach, schedule
from critlab.study.switches import switch_key
from critlab.study.task_checks import told

if TYPE_CHECKING:
    from critlab.study.study import Study

Found = Iterator[tuple[Location, str]]


def question(study: Study) -> Found:
    """There is something to remove, each seed is there once, and no section changes nothing."""
    if len(set(study.seeds)) != len(study.seeds):
        yield ("seeds",), f"received {shown(list(study.seeds))}; must be without repeats"
    if study.deficit is None and study.switch is None:
        yield ("deficit",), "required, but missing; give [deficit], [switch] or both"
    if study.intervention is not None and study.intervention.changes_nothing:
        names = ", ".join(type(study.intervention).model_fields)
        yield ("intervention",), f"received options that change nothing; give {names}, or omit it"
    if study.statistics.closing_width is not None and study.sweep.adaptive is None:
        text = f"received {study.statistics.closing_width:g}, but the sweep adds no points; give its points as a table"
        yield ("statistics", "closing_width"), f"{text} with first and most, or omit it"
    for switch in study.switch or ():
        yield from ((("switch", switch_key(switch), *where), text) for where, text in switch.misfits(study))
    yield from study.sweep.misfits(study.statistics)


def background(study: Study) -> Found:
    """The final score is read when the background is over, and no deficit is in it twice at a time."""
    final, shortest = study.statistics.final_epochs, study.sweep.shortest
    for index, standing in enumerate(study.background):
        if standing.start >= shortest:
            text = f"received {standing.start}; must be below {shortest}, the number of epochs of the shortest run"
            yield ("background", index, "start"), text
        elif standing.stop != "never" and standing.stop > shortest - final:
            text = (
                f"received {standing.stop}; must leave the last {final} of the {shortest} epochs of the shortest run "
                "without the deficit, because the final score is measured there "
                '(statistics.final_epochs), or be "never"'
            )
            yield ("background", index, "stop"), text
        for place, earlier in enumerate(study.background[:index]):
            if earlier.deficit == standing.deficit and earlier.overlaps(standing):
                text = f"received the deficit of background.{place} in an overlapping window; merge the two windows"
                yield ("background", index, "deficit"), text


def controls(study: Study) -> Found:
    """Every control is another than the study itself and than those before it, and lies on the sweep."""
    before = [study.deficit]
    for index, deficit in enumerate(study.controls.deficits):
        if deficit in before:
            whose = "the study's own deficit" if deficit == study.deficit else "an earlier control"
            text = f"received {deficit.name} with the options of {whose}; each control must be a different deficit"
            yield ("controls", "deficits", index), text
        before.append(deficit)
    own = study.intervention.special() if study.intervention else {}
    known = [own]
    for index, intervention in enumerate(study.controls.interventions):
        if intervention.special() in known:
            whose = "the study itself" if intervention.special() == own else "an earlier control"
            text = (
                f"received {shown(intervention.special())}, the same as {whose} has; each must be "
                "a different intervention"
            )
            yield ("controls", "interventions", index), text
        known.append(intervention.special())
    for at in study.controls.at or ():
        if at not in study.sweep.points:
            allowed = ", ".join(map(str, study.sweep.points))
            yield ("controls", "at"), f"received {at}; must be one of the sweep's: {allowed}"
    if study.controls.delay and not stops_or_nothing(study.switch):
        text = (
            "received true together with [switch]; the delay control freezes the network in the window, so omit delay, "
            "or omit [switch] (only lr_factor = 0 is allowed there)"
        )
        yield ("controls", "delay"), text
    there = schedule(study.optimizer.clock).options
    for clock in study.controls.clocks or ():
        for key in set(schedule(clock).required) - set(there):
            text = (
                f"received {shown(clock)}, which needs optimizer.{key}; use it with a clock that has {key}, or omit it"
            )
            yield ("controls", "clocks"), text


def schedule_fits(study: Study) -> Found:
    """The schedule fits the runs: such as a warm-up and a decay that have room in the shortest recovery."""
    sweep = study.sweep
    recoveries = [sweep.schedule_room(at) for at in sweep.points if at != "never"]
    longest = max(sweep.run_epochs(at) for at in sweep.points)
    reach = Reach(min(recoveries, default=None), longest, study.steps)
    for key, text in schedule(study.optimizer.clock).misfits(study.optimizer, reach):
        yield ("optimizer", key), text


def fit(study: Study) -> Found:
    """The deficits can be applied to the data, as far as they are known without reading them."""
    shape, sizes = study.data.shape(), study.data.sizes()
    for place, deficit in deficits(study):
        if shape is not None:
            yield from told(place, deficit.check_examples, shape)
        if (form := study.data.form()) is not None:
            yield from told(place, deficit.check_form, form)
        if sizes is not None and study.task.targets.kind == "classes":
            yield from told(place, deficit.check_classes, sizes.classes)
        if (heads := study.data.label_heads()) is not None:
            yield from told(place, deficit.check_heads, heads)
        yield from told(place, deficit.check_targets, study.task.targets)
    if (form := study.data.form()) is not None:
        yield from told(("model",), study.model.check_form, form)
        yield from told(("objective",), study.objective.check_form, form)
        for switch in study.switch or ():
            yield from told(("switch", switch_key(switch)), switch.check_form, form)
    if shape is not None:
        for switch in study.switch or ():
            yield from ((("switch", switch_key(switch), *where), text) for where, text in switch.shape_misfits(shape))


def read_data(
    study: Study,
    example_shape: tuple[int, ...],
    label_shape: tuple[int, ...],
    classes: int,
    form: InputForm = UNIT,
) -> None:
    """The study fits data of which nothing was known before they were read, such as those of a user's function.

    Args:
        study: what is done to the data.
        example_shape: of one example, after padding.
        label_shape: of the labels of one example, such as ``()`` or ``(heads,)``.
        classes: how many there are.
        form: what the values of examples are.

    Raises:
        StudyError: at the first thing that does not fit.
    """
    heads = label_shape[0] if label_shape else 1
    by_class = study.task.targets.kind == "classes"
    checked: list[tuple[Location, Callable[[Any], None], Any]] = []
    for place, deficit in deficits(study):
        checked += [
            (place, deficit.check_examples, example_shape),
            (place, deficit.check_form, form),
            (place, deficit.check_targets, study.task.targets),
            (place, deficit.check_classes, classes),
            *([(place, deficit.check_heads, heads)] if by_class else []),
        ]
    objectives: dict[Location, Objective] = {("objective",): study.objective}
    if study.pretraining is not None:
        objectives["pretraining", "objective"] = study.pretraining.objective
    for place, objective in objectives.items():
        checked += [(place, objective.check_examples, example_shape), (place, objective.check_form, form)]
    checked += [
        (("model",), study.model.check, example_shape),
        (("model",), study.model.check_form, form),
        (("task",), study.task.check_form, form),
        (("task",), study.task.check_examples, example_shape),
        *((("switch", switch_key(switch)), switch.check_form, form) for switch in study.switch or ()),
        *((("measures", name), options.check, example_shape) for name, options in study.measures.items()),
    ]
    for place, check, value in checked:
        for where, text in told(place, check, value):
            raise StudyError(f"{'.'.join(map(str, where))}: {text}")
    answers = getattr(study.model, "heads", 1)
    if by_class and not is_path(study.model.name):
        if heads != answers:
            raise StudyError(f"model.heads: received {answers}; must be {heads}, as many as an example has labels")
        if label_shape == (1,):
            raise StudyError("data: labels have shape (N, 1); must be (N,) for this model, such as labels[:, 0]")
    for field, text in study.augment.misfits(example_shape) if study.augment else ():
        raise StudyError(f"augment.{field}: {text}")
    for switch in study.switch or ():
        for where, text in switch.shape_misfits(example_shape):
            raise StudyError(f"{'.'.join(map(str, ('switch', switch_key(switch), *where)))}: {text}")


def refuse_own_clock(study: Study) -> None:
    """Refuse a list of clocks for the controls that holds nothing but the study's own.

    It would add no run, and take the default restarted clock away. A study that a store knows goes on with it.

    Raises:
        StudyError: naming the key.
    """
    own = study.optimizer.clock
    if study.controls.clocks == (own,):
        raise StudyError(
            f"controls.clocks: received [{shown(own)}], the study's own clock, so that no control would have another "
            "one; give another clock, omit clocks for the restarted one, or give [] for none"
        )


def refuse_twins(study: Study, example_shape: tuple[int, ...]) -> None:
    """Refuse a control that has other options than the deficit or an earlier control, but the same effect.

    Such as blur by 14 next to blur by 10 on 28 x 28 images. A finished study with such a control can still be reported,
    so it is refused before training and not where the study is read.

    Args:
        study: its deficit and its controls are compared.
        example_shape: of one example, after padding; the deficits can be applied to such.

    Raises:
        StudyError: at the first of them.
    """
    before: dict[Hashable, str] = {}
    for location, deficit in deficits(study):
        place = ".".join(map(str, location))
        if location[0] not in ("deficit", "controls"):
            continue
        seen = example_shape if deficit.source is None else example_shape[1:]
        earlier = before.setdefault(deficit.effect(seen), place)
        if earlier != place:
            size = " x ".join(map(str, seen[-2:]))
            raise StudyError(
                f"{place}: received {deficit.name} with the same effect as {earlier} on {size} examples, so that their "
                "results would be equal; change its options or omit it"
            )


def deficits(study: Study) -> Iterator[tuple[Location, Deficit]]:
    """Every deficit that a study names, with its place."""
    if study.deficit is not None:
        yield ("deficit",), study.deficit
    for switch in study.switch or ():
        if (withheld := switch.withheld()) is not None:
            yield ("switch", switch_key(switch)), withheld
    for index, standing in enumerate(study.background):
        yield ("background", index, "deficit"), standing.deficit
    for index, deficit in enumerate(study.controls.deficits):
        yield ("controls", "deficits", index), deficit


def interventions(study: Study) -> Iterator[Intervention]:
    """Every intervention that a study names."""
    if study.intervention is not None:
        yield study.intervention
    yield from study.controls.interventions
