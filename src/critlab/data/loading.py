"""From a specification to the arrays that a study trains on."""

from __future__ import annotations

from pathlib import Path

from critlab.data import DATA
from critlab.data.checks import Split, checked_classes, checked_split
from critlab.data.data_set import DataSet
from critlab.data.folder import data_folder
from critlab.data.image_set import ImageSet
from critlab.data.spec import DataSpec
from critlab.data.subset import balanced
from critlab.data.user import arrays_of, called
from critlab.entry import is_path
from critlab.errors import DataError


def loaded(spec: DataSpec, folder: Path | None) -> ImageSet:
    """See :func:`critlab.data.load`."""
    entry = None if is_path(spec.name) else DATA.find(spec.name)
    returned = called(spec.name) if entry is None else entry.load()(data_folder(folder))
    (train_images, train_labels), (test_images, test_labels) = arrays_of(returned, spec.name)
    train = checked_split(train_images, train_labels, f"{spec.name}, train")
    test = checked_split(test_images, test_labels, f"{spec.name}, test")
    known = entry if isinstance(entry, DataSet) else None
    if known and train.images.shape[1:] != known.shape:
        raise DataError(f"{spec.name}: images of shape {train.images.shape[1:]} where {known.shape} is official")
    classes = checked_classes(train, test, spec.name, known.classes if known else None)
    chosen = _part(train, spec.train, known.train if known else None, f"{spec.name}, train")
    if spec.epoch is not None and spec.epoch > len(chosen.labels):
        raise DataError(f"{spec.name}: epoch = {spec.epoch} but only {len(chosen.labels)} training images; lower it")
    tested = _part(test, spec.test, known.test if known else None, f"{spec.name}, test")
    return ImageSet.of(chosen, tested, classes, spec.pad)


def _part(split: Split, asked: int | None, official: int | None, where: str) -> Split:
    there, wanted = len(split.labels), asked or official or len(split.labels)
    if wanted > there:
        whole = f", and the whole set has {official}: the copy is incomplete" if official else ""
        raise DataError(f"{where}: {wanted} images asked, but only {there} are there{whole}; ask for at most {there}")
    if asked is None or asked == there:
        return split
    return split.taken(balanced(split.labels, asked))
