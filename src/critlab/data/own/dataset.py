"""Data set of another library: a ``torch.utils.data.Dataset`` or one of Hugging Face, read once into the cache."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from critlab.data.data_set import OwnDataSet
from critlab.data.own.layout import Range
from critlab.data.own.split import Split
from critlab.deficits.input_form import UNIT, InputForm
from critlab.deficits.target_form import CLASSES, TargetForm, TargetKind

if TYPE_CHECKING:
    from critlab.data.user import Pair


class OtherDataSet(OwnDataSet):
    """A ``torch.utils.data.Dataset`` or a Hugging Face data set that a function of yours returns.

    The function returns training and test part as a pair or as a mapping with ``train`` and ``test``, or one set with
    ``split``. A part has a length and gives each example by its number, ``(input, label)`` or a mapping, the same each
    time.

    Args:
        function: ``package.module:function``, called without arguments.
        inputs: the key of the input where examples are mappings.
        labels: the key of the label there: a class number, or what the task learns, such as a number or a label image.
        side: images are scaled to so many pixels on both sides; required where their sizes differ.
        fit: ``crop`` scales the largest square in the middle of an image, ``stretch`` scales the whole image.
        mode: ``RGB`` or ``L`` (grey), to which images are converted; required where their modes differ.
        layout: of tensors and arrays, as in ``arrays``.
        range: of tensors and arrays, as in ``arrays``.
        split: the test share of one set; ``by`` is a key of the examples, whose equal values stay together.
    """

    name: ClassVar[str] = "dataset"
    citation: ClassVar[str] = "a user's own data set"
    neutral: ClassVar[Mapping[str, Any]] = {
        "inputs": "image",
        "labels": "label",
        "side": None,
        "fit": "crop",
        "mode": None,
        "layout": None,
        "range": None,
        "split": None,
    }
    label_forms: ClassVar[tuple[TargetKind, ...]] = ("classes", "multi_hot", "real", "pixels", "next_token")
    function: str
    inputs: str = "image"
    labels: str = "label"
    side: Annotated[int, Field(ge=4, le=2048)] | None = None
    fit: Literal["crop", "stretch"] = "crop"
    mode: Literal["RGB", "L"] | None = None
    layout: Literal["vector", "grey", "channels_first", "channels_last", "as_stored"] | None = None
    range: Range | None = None
    split: Split | None = None

    def form(self) -> InputForm:
        """Levels in [0, 1], or numbers of any range where ``range`` is ``standardised``."""
        return InputForm("free") if self.range == "standardised" else UNIT

    def load(self, folder: Path) -> tuple[Pair, Pair]:
        """As :meth:`load_targets`, with class numbers."""
        return self.load_targets(folder, CLASSES)

    def load_targets(self, folder: Path, targets: TargetForm) -> tuple[Pair, Pair]:
        """The examples, read into the cache where they are not there yet.

        Raises:
            StudyError: the function cannot be imported.
            DataError: it fails or returns something else, an example is not like the first, or examples change from
                one reading to the next.

        Cost: one reading of every example, one after the other, and a second one for labels that are no class
            numbers; afterwards of a few.
        """
        from critlab.data.own.examples import read_examples

        return read_examples(self, targets)
