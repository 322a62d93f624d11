"""The part of a study that does not depend on the question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, SerializeAsAny, ValidationError, model_validator

from critlab._core.errors import StudyError
from critlab._core.loading.imports import is_path
from critlab._core.problems import Location, Problems, problems, shown
from critlab._core.spec import Spec
from critlab.data.spec import DataSpec
from critlab.learning_tasks import CLASSIFICATION
from critlab.learning_tasks.metric import Metric
from critlab.measures import MEASURES, Measure
from critlab.models.spec import ModelSpec
from critlab.objectives import CrossEntropy, Objective, read_objective
from critlab.study.ingredients.pretraining import PretrainingSpec
from critlab.study.optimizers.spec import OptimizerSpec
from critlab.study.specs import AugmentSpec, EvaluationSpec
from critlab.study.task_checks import task_misfits
from critlab.study.types import AnyObjective, AnyTask, task_of


def _measures(raw: Any) -> Any:
    if not isinstance(raw, Mapping):
        return raw
    found: dict[str, Measure] = {}
    wrong: list[tuple[Location, str]] = []
    for name, options in raw.items():
        try:
            found[name] = _measure(MEASURES.find(str(name)), options)
        except StudyError as error:
            wrong.append(((name,), str(error)))
        except Problems as error:
            wrong += [((name, *where), text) for where, text in error.problems]
    if wrong:
        raise Problems(wrong)
    return found


def _measure(kind: type[Measure], raw: Any) -> Measure:
    if isinstance(raw, Measure) and not isinstance(raw, kind):
        raise Problems([((), f"received a {type(raw).__name__}; must be a {kind.__name__}")])
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        raise Problems(problems(error, kind)) from None


class Setup(Spec):
    """The part of a study that does not depend on the question: data, task, model, training, tests and measures.

    ``precision`` pins how numbers are computed; where it is left out, the first run in a store times a step to decide.
    ``objective`` is that of the task where it is left out.
    """

    data: DataSpec
    model: ModelSpec
    optimizer: OptimizerSpec
    augment: AugmentSpec | None = None
    measures: Annotated[dict[str, SerializeAsAny[Measure]], BeforeValidator(_measures)] = Field(default_factory=dict)
    precision: Literal["float32", "bfloat16"] | None = None
    objective: AnyObjective = CrossEntropy()
    evaluation: EvaluationSpec = EvaluationSpec()
    pretraining: PretrainingSpec | None = None
    #: stays out of the plain values where it is neutral, so that earlier studies keep their digests
    task: AnyTask = Field(default=CLASSIFICATION, exclude_if=lambda task: task == CLASSIFICATION)

    @model_validator(mode="before")
    @classmethod
    def _objective_of_the_task(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping) or "task" not in raw or "objective" in raw:
            return raw
        try:
            return {**raw, "objective": read_objective(task_of(raw["task"]).objective)}
        except (Problems, StudyError, AttributeError, TypeError):
            return raw  # the field's own validator says what is wrong

    @property
    def metric(self) -> Metric:
        """The metric in which damage is measured.

        Raises:
            StudyError: it is a user's own and cannot be imported.
        """
        return self.task.judged

    @model_validator(mode="after")
    def _task_fits(self) -> Self:
        if found := list(task_misfits(self)):
            raise Problems(found)
        return self

    @property
    def steps(self) -> int:
        """Steps of the optimiser in a whole epoch; 0 where that is not known before the data are read."""
        return -(-self.batches() // self.optimizer.accumulate)

    def batches(self, images: int = 0) -> int:
        """Batches of an epoch of so many images; 0 is those of the data, as far as they are known."""
        sizes = self.data.sizes()
        images = images or self.data.epoch or (0 if sizes is None else sizes.epoch)
        whole, rest = divmod(images, self.optimizer.batch)
        # a last batch of a single image is left out (critlab.training.inputs.batches.batches)
        return whole + (rest > 1)

    def too_few_batches(self, images: int = 0) -> str:
        """Why an epoch of so many images has too few batches for a step; empty where it has enough or is unknown."""
        batches, together = self.batches(images), self.optimizer.accumulate
        if not 0 < batches < together:
            return ""
        return f"received {together}; must be at most {batches}, the number of batches in an epoch"

    def single_image(self) -> str:
        """Why the model cannot train on batches of one image; empty where it can, or where they are larger."""
        if self.optimizer.batch > 1 or not getattr(self.model, "batch_norm", False):
            return ""
        return "received 1; must be at least 2, because this model's BatchNorm cannot process a single image"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        sizes, shape = self.data.sizes(), self.data.shape()
        if sizes is None or shape is None:
            return self
        found: list[tuple[Location, str]] = []
        if self.optimizer.batch > sizes.train:
            default = "" if "batch" in self.optimizer.model_fields_set else ", the default"
            received = f"received {shown(self.optimizer.batch)}{default}"
            text = f"{received}; must be at most {sizes.train}, the number of training images"
            found.append((("optimizer", "batch"), text))
        if text := self.single_image():
            found.append((("optimizer", "batch"), text))
        if text := self.too_few_batches():
            found.append((("optimizer", "accumulate"), text))
        heads, answers = self.data.label_heads(), getattr(self.model, "heads", 1)
        if (
            self.task.targets.kind == "classes"
            and heads is not None
            and heads != answers
            and not is_path(self.model.name)
        ):
            text = f"received {shown(answers)}; must be {heads}, as many as an example has labels"
            found.append((("model", "heads"), text))
        try:
            self.model.check(shape)
        except StudyError as error:
            found.append((("model",), str(error)))
        for name, options in self.measures.items():
            try:
                options.check(shape)
            except StudyError as error:
                found.append((("measures", name), str(error)))
        objectives: dict[Location, Objective] = {("objective",): self.objective}
        if self.pretraining is not None:
            objectives["pretraining", "objective"] = self.pretraining.objective
        for place, objective in objectives.items():
            try:
                objective.check_model(self.model)
                objective.check_examples(shape)
            except StudyError as error:
                found.append((place, str(error)))
        if self.augment is not None:
            found += [(("augment", field), text) for field, text in self.augment.misfits(shape)]
        if found:
            raise Problems(found)
        return self
