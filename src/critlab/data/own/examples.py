"""Examples of a data set of another library, one by one, as arrays of the cache."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from critlab._core.errors import CritlabError, DataError
from critlab._core.loading.imports import imported, one_line
from critlab._core.user_code.identity import own_code
from critlab.data.cache.filling import Filling, Rows, filled
from critlab.data.label_checks import refuse
from critlab.data.own.layout import in_range, laid_out, recognised_layout
from critlab.data.own.split import held_out
from critlab.data.pictures.decoding import VERSION, Wanted, pixels
from critlab.data.strata import split_groups
from critlab.data.user import seeded
from critlab.deficits.target_form import TargetForm

if TYPE_CHECKING:
    from critlab.data.own.dataset import OtherDataSet
    from critlab.data.user import Pair

LOOKED_AT = 16
"""Examples of each part that are read at every start, to see whether the data set is the one in the cache."""

_FORM = (
    "it must return a pair (train, test) of data sets or a mapping with train and test, or one data set with split; a "
    "data set has a length and gives examples by number"
)


def read_examples(options: OtherDataSet, targets: TargetForm) -> tuple[Pair, Pair]:
    """Training and test part; see :meth:`critlab.data.own.dataset.OtherDataSet.load`."""
    where = options.function
    function = imported(where, "data.function")
    if not callable(function):
        raise DataError(f"data.function: {where!r} is of type {type(function).__name__}; must be a function")
    with seeded():
        returned = _guarded(where, function)
        code = own_code(function, where).digest
        if options.split is None:
            train, test = _two_parts(returned, where)
            pairs = [
                _Part(one, name, options, code, targets).read() for one, name in ((train, "train"), (test, "test"))
            ]
            return pairs[0], pairs[1]
        _check_part(returned, where)
        part = _Part(returned, "all examples", options, code, targets)
        values, labels = part.read()
        keys = (
            None if options.split.by is None else [part.key(number, options.split.by) for number in range(len(labels))]
        )
        names = [str(number) for number in range(len(labels))]
        tests = held_out(split_groups(labels, targets, where), names, options.split, keys, where)
    from critlab.data.cache.derived import taken

    places = np.flatnonzero(~tests), np.flatnonzero(tests)
    return (taken(values, places[0]), taken(labels, places[0])), (taken(values, places[1]), taken(labels, places[1]))


def _two_parts(returned: Any, where: str) -> tuple[Any, Any]:
    if isinstance(returned, Mapping) and {"train", "test"} <= set(returned):
        found = returned["train"], returned["test"]
    elif isinstance(returned, tuple | list) and len(returned) == 2:
        found = returned[0], returned[1]
    else:
        raise DataError(f"data.function: {where!r} returned {type(returned).__name__}; {_FORM}")
    for part in found:
        _check_part(part, where)
    return found


def _check_part(part: Any, where: str) -> None:
    if isinstance(part, tuple | Mapping) or not (hasattr(part, "__len__") and hasattr(part, "__getitem__")):
        raise DataError(f"data.function: {where!r} returned {type(part).__name__}; {_FORM}")
    if len(part) == 0:
        raise DataError(f"data.function: {where!r} returned an empty data set; {_FORM}")


@dataclass(frozen=True)
class _Part:
    """One part of the data set: how its examples are read."""

    examples: Any
    part: str
    options: OtherDataSet
    code: str
    targets: TargetForm

    @property
    def where(self) -> str:
        return f"{self.options.function}, {self.part}"

    def read(self) -> Pair:
        """The values, mapped from the cache, and the labels."""
        first, _ = self.item(0)
        make = self._picture(first) if _is_picture(first) else self._array(first)
        shape, dtype = (seen := make(first, 0)).shape, seen.dtype
        count = len(self.examples)
        key = [self.code, self.options.special(), self.part, count, self._content(make)]
        key.append(getattr(self.examples, "_fingerprint", None))  # of a data set of Hugging Face
        if not self._has_classes:
            key.append("without classes")  # whose journal holds no class numbers

        def rows(begin: int, end: int) -> Rows:
            made, labels = np.empty((end - begin, *shape), dtype=dtype), []
            for number in range(begin, end):
                value, label = self.item(number)
                one = make(value, number)
                if one.shape != shape or one.dtype != dtype:
                    raise DataError(
                        f"{self.where}: example {number} is {one.dtype} {one.shape} where the first is {dtype} {shape}"
                        "; set side, mode, layout or range"
                    )
                made[number - begin] = one
                labels.append(self._label(label, number) if self._has_classes else 0)
            return made, labels

        # a user's data set may not be read by several threads
        values, labels = filled(
            Filling(["examples", VERSION, key], (count, *shape), dtype, rows, self.where, threads=1)
        )
        if not self._has_classes:
            return values, self._targets(key)
        return values, np.asarray(labels, dtype=np.int64)

    @property
    def _has_classes(self) -> bool:
        return self.targets.kind in ("classes", "next_token")

    def _targets(self, key: list[Any]) -> NDArray[Any]:
        """Labels that are no class numbers, read once into the cache, too."""
        first = self._target(0)
        shape, dtype, count = first.shape, first.dtype, len(self.examples)

        def rows(begin: int, end: int) -> Rows:
            made = np.empty((end - begin, *shape), dtype=dtype)
            for number in range(begin, end):
                one = self._target(number)
                if (one.dtype, one.shape) != (dtype, shape):
                    raise DataError(
                        f"{self.where}: example {number} has a label of {one.dtype} {one.shape} where that of the "
                        f"first is {dtype} {shape}; give all labels one type and shape"
                    )
                made[number - begin] = one
            return made, ()

        asked = [self.targets.kind, self.options.labels]
        where = f"{self.where}, labels"
        return filled(Filling(["labels", VERSION, asked, key], (count, *shape), dtype, rows, where, threads=1))[0]

    def _target(self, number: int) -> NDArray[Any]:
        """The label of an example in the type in which labels are kept."""
        found = np.asarray(_values_or_number(self.item(number)[1], f"{self.where}: label of example {number}"))
        if self.targets.kind != "pixels":
            with np.errstate(over="ignore"):  # what is infinite then is refused
                return found.astype(np.float32)
        # label images keep their type, which is checked; whole numbers take four bytes at most
        if found.dtype.kind not in "iu" or found.dtype.itemsize <= 4:
            return found
        beyond = (found < -1) | (found >= 2**31)
        refuse(beyond, found, f"{self.where}: example {number}: label", f"must be from -1 to {2**31 - 1}")
        return found.astype(np.int32)

    def item(self, number: int) -> tuple[Any, Any]:
        """Input and label of an example.

        Raises:
            DataError: it cannot be read or has no such parts.
        """
        example = _guarded(f"{self.where}: example {number}", partial(self.examples.__getitem__, number))
        if isinstance(example, Mapping):
            for name, key in (("inputs", self.options.inputs), ("labels", self.options.labels)):
                if key not in example:
                    raise DataError(
                        f"{self.where}: example {number} has {', '.join(example)}; set {name} to one of them"
                    )
            return example[self.options.inputs], example[self.options.labels]
        if isinstance(example, tuple | list) and len(example) == 2:
            return example[0], example[1]
        raise DataError(
            f"{self.where}: example {number} is {type(example).__name__}; must be (input, label) or a mapping"
        )

    def key(self, number: int, by: str) -> Any:
        """The value of ``by`` of an example."""
        example = self.examples[number]
        if not isinstance(example, Mapping) or by not in example:
            raise DataError(f"{self.where}: data.split.by {by!r}: example {number} has no such key")
        return example[by]

    def _picture(self, first: Any) -> Any:
        mode = self.options.mode or first.mode
        if mode not in ("RGB", "L"):
            raise DataError(f'{self.where}: images have mode {mode}; set mode = "RGB" or "L" to convert them')
        side = self.options.side
        wanted = Wanted(mode, (first.height, first.width) if side is None else (side, side), self.options.fit)

        def make(picture: Any, number: int) -> NDArray[Any]:
            where = f"{self.where}: example {number}"
            if not _is_picture(picture):
                raise DataError(f"{where} is {type(picture).__name__} where the first is an image")
            if self.options.mode is None and picture.mode != mode:
                raise DataError(f'{where} has mode {picture.mode} where the first has {mode}; set mode = "RGB" or "L"')
            if side is None and (picture.height, picture.width) != wanted.size:
                raise DataError(f"{where} has {picture.height} x {picture.width} pixels, not as the first; set side")
            return pixels(picture.copy(), wanted, where)

        return make

    def _array(self, first: Any) -> Any:
        layout = self.options.layout or recognised_layout((1, *_values(first, self.where).shape), self.where)
        range_ = self.options.range
        if range_ is None:  # one example may be dark: what is recognised is what all that are looked at have
            some = [_values(self.item(number)[0], self.where) for number in self._looked_at()]
            in_range(np.concatenate([one.reshape(-1) for one in some]), None, self.where)
            range_ = "8bit" if some[0].dtype == np.uint8 else "unit"

        def make(value: Any, number: int) -> NDArray[Any]:
            where = f"{self.where}: example {number}"
            values = laid_out(_values(value, where)[None], layout, where)
            return np.ascontiguousarray(in_range(values, range_, where)[0])

        return make

    def _looked_at(self) -> Sequence[int]:
        return sorted({int(number) for number in np.linspace(0, len(self.examples) - 1, LOOKED_AT)})

    def _content(self, make: Any) -> str:
        """A digest of some examples.

        Raises:
            DataError: an example is another one when it is read again, as with random augmentation.
        """
        running = hashlib.sha256()
        for number in self._looked_at():
            seen = [make(self.item(number)[0], number) for _ in range(2)]
            if not np.array_equal(seen[0], seen[1]):
                raise DataError(
                    f"{self.where}: example {number} is another one each time it is read; take random augmentation out "
                    "of the data set, and give it to [augment] (transform)"
                )
            running.update(f"{seen[0].dtype.str}{seen[0].shape}{self.item(number)[1]}".encode())
            running.update(np.ascontiguousarray(seen[0]).data)
        return running.hexdigest()

    def _label(self, label: Any, number: int) -> int:
        value = label.item() if hasattr(label, "item") and getattr(label, "size", 1) != 0 else label
        if isinstance(value, bool) or not isinstance(value, int):
            raise DataError(f"{self.where}: example {number} has the label {label!r}; must be a whole number from 0")
        return value


def _is_picture(value: Any) -> bool:
    return all(hasattr(value, name) for name in ("convert", "resize", "mode", "getexif"))


def _values(value: Any, where: str) -> NDArray[Any]:
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    found = np.asarray(value)
    if found.dtype.kind not in "iufb" or found.ndim == 0:
        raise DataError(
            f"{where}: is {type(value).__name__}; must be an image, a tensor, an array or a list of numbers"
        )
    return found


def _values_or_number(value: Any, where: str) -> NDArray[Any]:
    """A label as numbers of any shape; a picture of class numbers counts too."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    found = np.asarray(value)
    if found.dtype.kind not in "iufb":
        raise DataError(f"{where}: is {type(value).__name__}; must be a number, or an array or an image of numbers")
    return found


def _guarded(where: str, call: Any) -> Any:
    try:
        return call()
    except CritlabError:
        raise
    except Exception as error:
        raise DataError(f"{where} failed: {one_line(error)}") from error
