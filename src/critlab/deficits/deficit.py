"""What a deficit is, the randomness that it may use, and the choice of images and batches."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from critlab._core.component import Component
from critlab._core.errors import StudyError
from critlab._core.problems import Problems, shown
from critlab.deficits.batch_context import BatchContext
from critlab.deficits.input_form import InputForm
from critlab.deficits.target_form import TargetForm, TargetKind

if TYPE_CHECKING:
    from torch import Tensor


def _listed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list | range) else value


Class = Annotated[int, Field(ge=0)]


InputKind = Literal["unit", "equivariant", "any", "tokens", "unread"]
"""Which inputs a deficit can be applied to.

``unit``: values in [0, 1]. ``equivariant``: any range, since the deficit commutes with scaling and shifting each
channel by a constant; it must not clip where ``draws.unit`` is False. ``any``: every type and range, since values are
only moved or replaced. ``tokens``: whole numbers, or levels in [0, 1]. ``unread``: inputs are given back as they are.
"""

TAKES: Mapping[str, tuple[InputKind, ...]] = {
    "unit": ("unit", "equivariant", "any", "tokens", "unread"),
    "free": ("equivariant", "any", "unread"),
    "tokens": ("any", "tokens", "unread"),
}
"""The kinds of deficits that can be applied to each form of values (:data:`~critlab.deficits.input_form.Values`)."""

LabelKind = Literal["classes", "any", "unread"]
"""Which labels: ``classes``, whole numbers from 0, negative ones for no loss; ``any``, as the loader gives them;
``unread``, given back as they are.
"""

CLASS_LABELS: tuple[TargetKind, ...] = ("classes",)


class Deficit(Component):
    """A frozen value that says what is done to a batch of training images; a window says when.

    A subclass gives ``name`` and ``version`` and implements :meth:`apply`. It may add
    ``select(labels, draws) -> indices``, the training images that an epoch keeps (int64, increasing), and say what it
    can be applied to (:data:`InputKind`, :data:`LabelKind`). Batches of a user's own loader are checked against
    that, and so is the form of a study's data (:meth:`check_form`).

    Args:
        when: before or after the augmentation.
        classes: apply it only to images of these classes, by their labels before the deficit; None is all. With several
            heads an image is of a class where one of its labels is.
        batches: the share of the batches that it is applied to, drawn for each batch.
        source: of examples ``(2, ...)`` apply it only to this one, ``A`` the first and ``B`` the second; None is both.
    """

    neutral: ClassVar[Mapping[str, Any]] = {"classes": None, "batches": 1.0, "source": None}
    between_sources: ClassVar[bool] = False
    input_kind: ClassVar[InputKind] = "unit"
    label_kind: ClassVar[LabelKind] = "any"
    #: of the labels of a study, the forms that a deficit of ``classes`` can change
    label_forms: ClassVar[tuple[TargetKind, ...]] = CLASS_LABELS
    when: Literal["after_augment", "before_augment"] = "after_augment"
    classes: Annotated[Annotated[tuple[Class, ...], Field(min_length=1)] | None, BeforeValidator(_listed)] = None
    batches: float = Field(default=1.0, gt=0, le=1)
    source: Literal["A", "B"] | None = None

    @model_validator(mode="after")
    def _chosen_well(self) -> Self:
        if self.classes is not None and list(self.classes) != sorted(set(self.classes)):
            raise Problems([(("classes",), f"received {shown(list(self.classes))}; must be increasing")])
        if self.batches < 1 and hasattr(self, "select"):
            text = f"received {self.batches}, but this deficit withholds images from whole epochs; omit it"
            raise Problems([(("batches",), text)])
        if self.source is not None and (self.between_sources or hasattr(self, "select")):
            about = "what the sources are to each other" if self.between_sources else "whole examples"
            text = f"received {self.source!r}, but this deficit is about {about}; omit it"
            raise Problems([(("source",), text)])
        return self

    def check_examples(self, example_shape: tuple[int, ...]) -> None:
        """Raise :class:`~critlab._core.errors.StudyError` where it does not fit such examples or their source."""
        if self.source is None:
            self.check(example_shape)
            return
        check_two_sources(f"deficit.source: received {self.source!r}, which", example_shape)
        self.check(example_shape[1:])

    def check_heads(self, heads: int) -> None:
        """Raise :class:`~critlab._core.errors.StudyError` where it cannot be applied to labels with so many heads."""

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Raises :class:`~critlab._core.errors.StudyError` where the deficit cannot be applied to such examples."""

    def check_form(self, form: InputForm) -> None:
        """Raises :class:`~critlab._core.errors.StudyError` where the deficit cannot be applied to such values."""
        if self.input_kind not in TAKES[form.values]:
            has = "tokens" if form.values == "tokens" else "values of any range"
            raise StudyError(
                f"deficit {self.name!r} needs {_NEEDS[self.input_kind]}, but the examples are {has}; choose another "
                "deficit (critlab list deficits), or other data"
            )

    def check_targets(self, targets: TargetForm) -> None:
        """Raise :class:`~critlab._core.errors.StudyError` where it cannot be applied to such labels."""
        about_labels = self.input_kind == "unread" and self.label_kind != "unread"
        if about_labels and targets.kind == "next_token":
            raise StudyError(
                f"deficit {self.name!r} changes labels, but the task learns {targets.words} and has none; choose a "
                "deficit of sequences (critlab list deficits)"
            )
        if self.label_kind == "classes" and targets.kind not in self.label_forms:
            other = "" if self.name == "label_shuffle" else ", such as label_shuffle,"
            raise StudyError(
                f"deficit {self.name!r} needs class numbers, but the labels are {targets.words}; choose another deficit"
                f"{other} or another task"
            )
        if self.classes is not None and targets.kind == "real":
            raise StudyError("deficit.classes: the labels are numbers and have no classes; omit it")

    def effect(self, example_shape: tuple[int, ...]) -> Hashable:
        """What is done to such examples: two deficits of one effect are the same deficit there."""
        return self

    def remark(self, example_shape: tuple[int, ...]) -> str:
        """What a person should know of this deficit on such examples, after its name; empty for nothing."""
        return ""

    def check_classes(self, classes: int) -> None:
        """Raises :class:`~critlab._core.errors.StudyError` where the data lack a class in ``classes``."""
        if self.classes is not None and self.classes[-1] >= classes:
            raise StudyError(f"deficit.classes: received {self.classes[-1]}; must be from 0 to {classes - 1}")

    def apply(self, images: Tensor, labels: Tensor, draws: BatchContext) -> tuple[Tensor, Tensor]:
        """The batch as the deprived network sees it; pure.

        Args:
            images: float ``(batch, ...)`` in [0, 1], before normalisation.
            labels: int64 ``(batch,)`` or ``(batch, heads)``; -1 means no loss there. In another form where
                ``draws.targets`` says so and ``label_kind`` allows it.
            draws: the batch's randomness.

        Returns:
            Images and labels of the same shapes and dtypes.
        """
        return images, labels


_NEEDS: Mapping[InputKind, str] = {
    "unit": "values in [0, 1]",
    "equivariant": "numbers, not tokens",
    "tokens": "tokens",
}
"""What a kind of deficit needs where it does not take everything."""


def apply_deficit(deficit: Deficit, images: Tensor, labels: Tensor, draws: BatchContext) -> tuple[Tensor, Tensor]:
    """The batch after ``deficit``, as far as its options ``batches`` and ``classes`` select; pure.

    Images of other classes are not shown to the deficit: it sees a smaller batch, with their places in ``draws``.

    Args:
        deficit: what is applied to the data.
        images: float ``(batch, ...)`` in [0, 1], before normalisation.
        labels: int64 ``(batch,)`` or ``(batch, heads)``, before the deficit.
        draws: the batch's randomness.

    Returns:
        Images and labels of the same shapes and dtypes.
    """
    if deficit.batches < 1 and not draws.chance(deficit.batches):
        return images, labels
    if deficit.classes is None:
        return _applied(deficit, images, labels, draws)
    chosen = _of_classes(labels, deficit.classes, draws.targets)
    if not bool(chosen.any()):
        return images, labels
    some_images, some_labels = _applied(deficit, images[chosen], labels[chosen], draws.chosen(chosen))
    images, labels = images.clone(), labels.clone()
    images[chosen], labels[chosen] = some_images, some_labels
    return images, labels


def _applied(deficit: Deficit, images: Tensor, labels: Tensor, draws: BatchContext) -> tuple[Tensor, Tensor]:
    if deficit.source is None:
        return deficit.apply(images, labels, draws)
    place = ("A", "B").index(deficit.source)
    alone = replace(draws, mean=None if draws.mean is None else draws.mean[place])
    suffered, labels = deficit.apply(images[:, place], labels, alone)
    images = images.clone()
    images[:, place] = suffered
    return images, labels


def check_two_sources(what: str, example_shape: tuple[int, ...]) -> None:
    """Raises :class:`~critlab._core.errors.StudyError` unless examples are ``(2, ...)``: two sources."""
    if len(example_shape) < 2 or example_shape[0] != 2:
        raise StudyError(
            f"{what} needs examples of two sources (2, ...), received examples of shape "
            f"{tuple(example_shape)}; use other data, such as two_view"
        )


def kept_mask(deficit: Deficit, labels: Tensor, draws: BatchContext) -> Tensor | None:
    """Which training images an epoch keeps; None where ``deficit`` withholds none.

    Args:
        deficit: what is applied to the data; its option ``classes`` spares the images of other classes.
        labels: int64 ``(examples,)`` or ``(examples, heads)``, of all training images, on the CPU.
        draws: the epoch's randomness, with the places of all training images.

    Returns:
        bool ``(examples,)``.
    """
    import torch

    select = getattr(deficit, "select", None)
    if select is None:
        return None
    found = torch.zeros(len(labels), dtype=torch.bool)
    found[select(labels, draws)] = True
    if deficit.classes is not None:
        found |= ~_of_classes(labels, deficit.classes, draws.targets)
    return found


def _of_classes(labels: Tensor, classes: tuple[int, ...], targets: TargetForm) -> Tensor:
    """bool ``(batch,)``: which images have a label among ``classes``."""
    import torch

    if targets.kind == "multi_hot":
        return (labels[:, list(classes)] == 1).any(1)
    found = torch.isin(labels, torch.tensor(classes, device=labels.device))
    return found.flatten(1).any(1) if found.ndim > 1 else found
