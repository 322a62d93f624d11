"""Spectrograms: arrays of frequency and time, as images whose rows are frequencies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from critlab.data.own.arrays import ArrayFiles
from critlab.data.own.layout import Range
from critlab.deficits.input_form import UNIT, InputForm

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Spectrograms(ArrayFiles):
    """Spectrograms in array files, as images ``(channels, frequency, time)``.

    Args:
        inputs: ``FILE.npy``, ``FILE.npz:NAME`` or ``FILE.parquet:COLUMN``.
        labels: as ``inputs``, what the task learns, as in ``arrays``.
        test_inputs: as ``inputs``, of the test part; required unless there is ``split``.
        test_labels: as ``labels``, of the test part.
        split: the test share of one set; ``by`` is an array, such as the speaker, whose equal values stay together.
        layout: the order of the axes of one spectrogram.
        range: the smallest and the largest level, such as [-80, 0] in decibel, which become 0 and 1 so that deficits of
            images apply; or ``standardised``, for levels of any range, normalised per channel with the statistics of
            the training part. ``8bit`` and ``unit`` are recognised as in ``arrays``.
    """

    name: ClassVar[str] = "spectrograms"
    citation: ClassVar[str] = "a user's own spectrograms"
    neutral: ClassVar[dict[str, Any]] = {"range": None}
    layout: Literal["frequency_time", "time_frequency", "channels_frequency_time"]
    range: Range | None = None

    def form(self) -> InputForm:
        """Levels in [0, 1], or numbers of any range where ``range`` is ``standardised``."""
        return InputForm("free") if self.range == "standardised" else UNIT

    def read_files(self, folder: Path, references: list[str]) -> list[NDArray[Any]]:
        """Float32 or uint8 ``(N, channels, frequency, time)``; see :class:`~critlab.data.own.arrays.ArrayFiles`."""
        from critlab.data.own.array_files import read_array
        from critlab.data.own.layout import in_range, laid_out

        return [in_range(laid_out(read_array(folder, one), self.layout, one), self.range, one) for one in references]
