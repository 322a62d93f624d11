"""Tokens: sequences of whole numbers of one or of several lengths, and which places are padding."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from critlab._core.errors import DataError
from critlab._core.problems import Problems
from critlab.data.own.arrays import ArrayFiles
from critlab.deficits.input_form import InputForm
from critlab.deficits.target_form import TargetKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Tokens(ArrayFiles):
    """Sequences of tokens in array files, of any integer type.

    Args:
        inputs: ``FILE.npy``, ``FILE.npz:NAME`` or ``FILE.parquet:COLUMN``, ``(N, places)``; the lists of a column may
            have several lengths.
        labels: as ``inputs``, what the task learns of a sequence; language modelling needs none.
        test_inputs: as ``inputs``, of the test part; required unless there is ``split``.
        test_labels: as ``labels``, of the test part.
        split: the test share of one set; ``by`` is an array, such as the author, whose equal values stay together.
        vocabulary: how many tokens there are, numbered from 0, the padding included.
        padding: the token that fills sequences after their end; required where they have several lengths. No sequence
            may have it inside, because models and deficits do not see it.
        lengths: an array as ``labels`` with the tokens of each sequence; what is behind them becomes padding.
        test_lengths: as ``lengths``, of the test part.
        places: of every sequence; None is the longest.
        truncate: whether longer sequences lose their end; else they are refused.
    """

    name: ClassVar[str] = "tokens"
    citation: ClassVar[str] = "a user's own sequences"
    neutral: ClassVar[Mapping[str, Any]] = {
        "padding": None,
        "lengths": None,
        "test_lengths": None,
        "places": None,
        "truncate": False,
    }
    label_forms: ClassVar[tuple[TargetKind, ...]] = ("classes", "multi_hot", "real", "next_token")
    vocabulary: int = Field(ge=2, lt=2**31)
    padding: int | None = Field(default=None, ge=0)
    lengths: str | None = None
    test_lengths: str | None = None
    places: Annotated[int, Field(ge=1)] | None = None
    truncate: bool = False

    @model_validator(mode="after")
    def _padding_is_a_token(self) -> Self:
        if self.padding is not None and self.padding >= self.vocabulary:
            text = f"received {self.padding}; must be below vocabulary, {self.vocabulary}, which counts the padding too"
            raise Problems([(("padding",), text)])
        if (self.lengths or self.test_lengths) and self.padding is None:
            raise Problems([(("padding",), "required with lengths, but missing; give a token that no sequence has")])
        if self.split is None and (self.lengths is None) != (self.test_lengths is None):
            key = "lengths" if self.lengths is None else "test_lengths"
            raise Problems([((key,), "required, but missing; give the lengths of both parts, or of none")])
        return self

    def form(self) -> InputForm:
        """Tokens of this vocabulary and padding."""
        return InputForm("tokens", self.vocabulary, self.padding)

    def read_files(self, folder: Path, references: list[str]) -> list[NDArray[Any]]:
        """Whole numbers ``(N, places)``; see :class:`~critlab.data.own.arrays.ArrayFiles`."""
        from critlab.data.own.array_files import read_array, read_sequences

        raw = [read_sequences(folder, reference) for reference in references]
        lengths = [None if one is None else read_array(folder, one) for one in (self.lengths, self.test_lengths)]
        longest = max(one.shape[-1] if not isinstance(one, list) else max(map(len, one)) for one in raw)
        made = zip(raw, lengths, references, strict=False)  # one reference, where there is a split
        return [self._filled(rows, length, self.places or longest, where) for rows, length, where in made]

    def _filled(
        self, rows: NDArray[Any] | list[NDArray[Any]], lengths: NDArray[Any] | None, places: int, where: str
    ) -> NDArray[Any]:
        """``(N, places)``, with padding behind the end of each sequence and nowhere else."""
        import numpy as np

        _check_tokens(rows, where)
        ends = self._ends(rows, lengths, where)
        if (over := np.flatnonzero(ends > places)).size and not self.truncate:
            raise DataError(
                f"{where}: row {over[0]} has {ends[over[0]]} tokens; must be at most places, {places}; raise it, or "
                "set truncate = true"
            )
        ends = np.minimum(ends, places)
        if self.padding is None and (ends < places).any():
            raise DataError(f"{where}: sequences are shorter than places, {places}; set padding, or lower places")
        fill = 0 if self.padding is None else self.padding
        found = np.full((len(rows), places), fill, dtype=np.int64)
        for row, end in enumerate(ends):
            if (content := rows[row][:end]).size == 0:
                raise DataError(f"{where}: row {row} has no token; remove it")
            found[row, :end] = content
        self._check_inside(found, ends, where)
        return found

    def _ends(
        self, rows: NDArray[Any] | list[NDArray[Any]], lengths: NDArray[Any] | None, where: str
    ) -> NDArray[np.int64]:
        """How many places of each sequence are tokens."""
        import numpy as np

        full = np.asarray([len(row) for row in rows], dtype=np.int64)
        if lengths is not None:
            if lengths.shape != (len(rows),) or lengths.dtype.kind not in "iu":
                raise DataError(f"{where}: lengths are {lengths.dtype} {lengths.shape}; must be whole, ({len(rows)},)")
            if (wrong := np.flatnonzero((lengths < 1) | (lengths > full))).size:
                place = wrong[0]
                raise DataError(f"{where}: length {lengths[place]} of row {place}; must be from 1 to {full[place]}")
            return lengths.astype(np.int64)
        if isinstance(rows, list):
            if self.padding is None:
                raise DataError(
                    f"{where}: ragged: sequences have from {full.min()} to {full.max()} tokens; set padding to a token "
                    "that no sequence has, such as one more than the largest, and count it in vocabulary"
                )
            return full
        if self.padding is None:
            return full
        seen = rows != self.padding
        # the place behind the last token that is no padding
        return np.where(seen.any(1), rows.shape[1] - np.argmax(seen[:, ::-1], axis=1), 0)

    def _check_inside(self, found: NDArray[np.int64], ends: NDArray[np.int64], where: str) -> None:
        """Raises DataError where the padding is among the tokens, and one that is no token."""
        import numpy as np

        inside = np.arange(found.shape[1]) < ends[:, None]
        if self.padding is not None and (hidden := inside & (found == self.padding)).any():
            row, place = (int(one[0]) for one in np.nonzero(hidden))
            raise DataError(
                f"{where}: row {row} has the padding, {self.padding}, at place {place} among its tokens, where no "
                "model and no deficit would see it; set padding to a token that no sequence has"
            )
        if (wrong := (found < 0) | (found >= self.vocabulary)).any():
            row, place = (int(one[0]) for one in np.nonzero(wrong))
            raise DataError(
                f"{where}: token {found[row, place]} at row {row}, place {place}; must be from 0 to "
                f"{self.vocabulary - 1}; raise vocabulary, or correct the token"
            )


def _check_tokens(rows: Any, where: str) -> None:
    """Raises DataError unless ``rows`` are whole numbers ``(N, places)`` or lists of them."""
    first = rows[0]
    kinds = {row.dtype.kind for row in rows} if isinstance(rows, list) else {rows.dtype.kind}
    axes = 1 + first.ndim if isinstance(rows, list) else rows.ndim
    if not kinds <= {"i", "u"} or axes != 2:
        raise DataError(
            f"{where}: sequences are {first.dtype} of {axes} axes; must be whole numbers (N, places), such as int32"
        )
