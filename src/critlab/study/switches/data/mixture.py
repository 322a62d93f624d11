"""Another mixture of named parts of the training data in the window."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from critlab._core.errors import CritlabError, StudyError
from critlab._core.loading.imports import imported, is_path, one_line
from critlab._core.problems import Location, Problems, nearest, shown
from critlab._core.random_streams import generator
from critlab._core.spec import Spec
from critlab._core.user_code.identity import OwnCode, own_code
from critlab.study.switches.switch import EpochImages, Found, Switch

if TYPE_CHECKING:
    from torch import Tensor

    from critlab.study.setup import Setup


def _pairs(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return tuple((key, tuple(item) if isinstance(item, list) else item) for key, item in value.items())


def _table(pairs: Any) -> dict[str, Any]:
    return {key: [*item] if isinstance(item, tuple) else item for key, item in pairs}


Weight = Annotated[float, Field(ge=0, le=1e6)]
Class = Annotated[int, Field(ge=0)]
Weights = Annotated[tuple[tuple[str, Weight], ...], BeforeValidator(_pairs), PlainSerializer(_table)]
Groups = Annotated[tuple[tuple[str, tuple[Class, ...]], ...], BeforeValidator(_pairs), PlainSerializer(_table)]


class MixtureShares(Spec):
    """The share of each named part of the training images.

    Args:
        weights: of each part, by its name; the share of a part is its weight over the sum. 0 leaves a part out.
        classes: the classes of each part. Images of classes in no part are left out. Or give ``by``.
        by: a user's own ``"package.module:function"``; called with the index of a training image in use (int), it
            returns the name of its part.
    """

    neutral: ClassVar[Mapping[str, Any]] = {"classes": {}, "by": None}
    weights: Weights = Field(min_length=1)
    classes: Groups = ()
    by: str | None = None

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        found: list[tuple[Location, str]] = []
        names, parts = [name for name, _ in self.weights], [name for name, _ in self.classes]
        if not sum(weight for _, weight in self.weights):
            found.append((("weights",), f"received {shown(dict(self.weights))}; one weight must be above 0"))
        if (self.by is None) == (not self.classes):
            given = "neither" if self.by is None else "both"
            found.append(((), f"received {given} of classes and by; give exactly one"))
        elif self.by is not None and not is_path(self.by):
            found.append((("by",), f'received {shown(self.by)}; must be "package.module:function"'))
        elif self.by is None:
            found += [(("classes", one), f"required, because weights has {one!r}") for one in names if one not in parts]
            found += [(("weights", one), f"required, because classes has {one!r}") for one in parts if one not in names]
            listed = [one for _, classes in self.classes for one in classes]
            twice = sorted({one for one in listed if listed.count(one) > 1})
            if twice:
                found.append((("classes",), f"received class {twice[0]} twice; each class belongs to one part"))
        if found:
            raise Problems(found)
        return self


class Mixture(Switch):
    """Weights over named parts of the training images: groups of classes, or a user's function of the example's index.

    An epoch keeps its number of images. Each part has its share of them, rounded, and is gone through in passes, so
    that its images are seen equally often.
    """

    name: ClassVar[str] = "mixture"
    citation: ClassVar[str] = "ours; the question: Hu et al. 2024"
    value: MixtureShares

    def plain(self, exclude_defaults: bool = False) -> Any:
        """The table of a study file, without neutral values."""
        return self.value.special()

    def identity(self) -> dict[str, Any]:
        """The shares; of a user's function also the digest of its code."""
        codes = self.codes()
        return {"value": self.value.special(), **({"source": codes[0].digest} if codes else {})}

    def codes(self) -> tuple[OwnCode, ...]:
        """What names the user's function."""
        by = self.value.by
        return () if by is None else (own_code(_function(by), by),)

    def misfits(self, base: Setup) -> Found:
        """A class that the data do not have, or labels with several heads."""
        sizes, heads = base.data.sizes(), base.data.label_heads()
        most = max((one for _, classes in self.value.classes for one in classes), default=0)
        if base.task.targets.kind == "classes" and sizes is not None and most >= sizes.classes:
            yield ("classes",), f"received class {most}; must be below {sizes.classes}, the number of classes"
        if self.value.classes and base.task.targets.kind != "classes":
            yield ("classes",), f"received groups of classes, but the labels are {base.task.targets.words}; use by"
        elif self.value.classes and heads is not None and heads > 1:
            yield ("classes",), f"received groups of classes, but an image has {heads} labels; use by"

    def order(self, images: EpochImages) -> Tensor:
        """The images of an epoch: each part by its share, in an order of their own."""
        import torch

        parts = self._parts(images.labels)
        counts = shares([weight for _, weight in self.value.weights], images.length)
        chosen = []
        for place, ((name, _), count) in enumerate(zip(self.value.weights, counts, strict=True)):
            if count and not len(parts[name]):
                raise StudyError(f"switch.mixture: the part {shown(name)} has a weight, but no training image")
            if count:
                chosen.append(parts[name][_passes(images, place, len(parts[name]), count)])
        together = torch.cat(chosen)
        return together[torch.randperm(len(together), generator=generator(images.seed, "mixture", -1, images.epoch))]

    def _parts(self, labels: Tensor) -> dict[str, Tensor]:
        """The indices of the training images of each part, int64."""
        import torch

        if self.value.by is None:
            groups = {name: torch.tensor(classes) for name, classes in self.value.classes}
            return {name: torch.isin(labels, classes).nonzero().flatten() for name, classes in groups.items()}
        names = [name for name, _ in self.value.weights]
        named = _named(self.value.by, len(labels))
        for index, name in enumerate(named):
            if name not in names:
                returned = f"{shown(self.value.by)} returned {shown(name)} for image {index}, which names no part"
                raise StudyError(f"switch.mixture.by: {returned}{nearest(str(name), names)}")
        places = {one: [index for index, name in enumerate(named) if name == one] for one in names}
        return {one: torch.tensor(found, dtype=torch.int64) for one, found in places.items()}


def shares(weights: list[float], length: int) -> list[int]:
    """``length`` divided in proportion to ``weights``, by the largest remainder; the first of equal ones has it."""
    exact = [length * weight / sum(weights) for weight in weights]
    counts = [int(one) for one in exact]
    order = sorted(range(len(weights)), key=lambda place: counts[place] - exact[place])
    for place in order[: length - sum(counts)]:
        counts[place] += 1
    return counts


def _passes(images: EpochImages, part: int, size: int, count: int) -> Tensor:
    """The next ``count`` places in a part of ``size`` images, in passes of a random order each."""
    import torch

    first, last, found = images.epoch * count, (images.epoch + 1) * count, []
    for number in range(first // size, (last - 1) // size + 1):
        order = torch.randperm(size, generator=generator(images.seed, "mixture", part, number))
        found.append(order[max(first - number * size, 0) : last - number * size])
    return torch.cat(found)


@cache
def _named(by: str, count: int) -> tuple[Any, ...]:
    """The name of the part of each image, by a user's function."""
    function = _function(by)
    try:
        return tuple(function(index) for index in range(count))
    except CritlabError:
        raise
    except Exception as error:
        raise StudyError(f"switch.mixture.by: {shown(by)} failed: {one_line(error)}") from error


def _function(path: str) -> Callable[[int], str]:
    found = imported(path, "switch.mixture.by")
    if not callable(found):
        raise StudyError(f"switch.mixture.by: {shown(path)} is {type(found).__name__}; must be a function of the index")
    return found  # type: ignore[no-any-return]  # all that callable() checks
