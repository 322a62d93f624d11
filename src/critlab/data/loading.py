"""From a specification to the arrays that a study trains on."""

from __future__ import annotations

from pathlib import Path

from critlab._core.errors import DataError
from critlab._core.loading.imports import imported, is_path
from critlab.data import DATA
from critlab.data.checks import Split, checked_classes, checked_split
from critlab.data.data_set import DataSet
from critlab.data.folder import data_folder
from critlab.data.image_set import ImageSet
from critlab.data.spec import DataSpec
from critlab.data.subset import balanced
from critlab.data.user import Pair, arrays_of, called
from critlab.deficits.input_form import UNIT, InputForm
from critlab.deficits.target_form import CLASSES, TargetForm


def loaded(spec: DataSpec, folder: Path | None, targets: TargetForm = CLASSES) -> ImageSet:
    """See :func:`critlab.data.load`."""
    train_pair, test_pair = returned(spec.name, data_folder(folder), spec.options, targets)
    form = spec.form() or _own_form(spec.name)
    train = checked_split(*train_pair, f"{spec.name}, train", form, targets)
    test = checked_split(*test_pair, f"{spec.name}, test", form, targets)
    known = spec.known()
    if known and train.images.shape[1:] != known.shape:
        raise DataError(f"{spec.name}: images of shape {train.images.shape[1:]} where {known.shape} is official")
    classes = checked_classes(train, test, spec.name, known.classes if known else None, targets)
    chosen = _part(train, spec.train, known.train if known else None, f"{spec.name}, train", targets)
    if spec.epoch is not None and spec.epoch > len(chosen.labels):
        raise DataError(f"{spec.name}: epoch = {spec.epoch} but only {len(chosen.labels)} training images; lower it")
    tested = _part(test, spec.test, known.test if known else None, f"{spec.name}, test", targets)
    aperture = spec.options.aperture if spec.options else None
    return ImageSet.of(chosen, tested, classes, spec.pad, aperture, form, targets)


def _own_form(path: str) -> InputForm:
    """The form that a user's own class declares; a function gives values in [0, 1]."""
    own = imported(path, "data.name")
    return own().form() if isinstance(own, type) and issubclass(own, DataSet) else UNIT


def returned(
    name: str, folder: Path, options: DataSet | None = None, targets: TargetForm = CLASSES
) -> tuple[Pair, Pair]:
    """What the reader of a data set, or a user's function, gives: images and labels, training and test.

    Args:
        name: a row's name, ``"package.module:function"`` or ``"package.module:Class"``.
        folder: where the files lie.
        options: for a row that has some; None is its defaults.
        targets: what the labels are.

    Raises:
        DataError: the files are missing or damaged, or what came has another form.
    """
    if is_path(name):
        return arrays_of(called(name, folder), name)
    return arrays_of((options or DATA.find(name)()).load_targets(folder, targets), name)


def _part(split: Split, asked: int | None, official: int | None, where: str, targets: TargetForm) -> Split:
    there, wanted = len(split.labels), asked or official or len(split.labels)
    if wanted > there:
        whole = f", and the whole set has {official}: the copy is incomplete" if official else ""
        raise DataError(f"{where}: received {wanted} images; must be at most {there}, the number of images{whole}")
    if asked is None or asked == there:
        return split
    return split.taken(balanced(split.labels, asked, targets))
