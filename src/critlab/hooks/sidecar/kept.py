"""What a sidecar keeps, in one file of lines: scores of forks and answers, so that it starts again where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

from critlab._core.errors import StudyError
from critlab.hooks.sensitivity.answer import Sensitivity
from critlab.hooks.sensitivity.forecast import ForecastMap, shipped_map
from critlab.hooks.watch.forking.forking import unpacked_look

NAME = "critlab-sidecar.jsonl"
"""The file in the folder of the checkpoints."""


ANSWER = "answer:"
"""How the names of answers begin."""


def answered_looks(folder: Path) -> list[Sensitivity]:
    """The answers that a sidecar has kept in a folder, by epoch; forecasts are by the shipped map.

    Raises:
        StudyError: the file cannot be read.
    """
    lines, known = KeptLines(folder / NAME), shipped_map()
    found = {look.onset: look for name in lines if name.startswith(ANSWER) for look in [_look(lines[name], known)]}
    return [found[onset] for onset in sorted(found)]


def _look(value: Any, known: ForecastMap | None) -> Sensitivity:
    look = value["look"]
    # the shipped map knows accuracy alone
    return unpacked_look(look, None if any("metric" in one for one in look["deficits"]) else known)


class KeptLines(MutableMapping[str, Any]):
    """Values by name, each a line of a file that is only appended to; the last line of a name counts.

    A line that a killed process left unfinished is ended and left out.

    Args:
        path: of the file; it is made with the first value.

    Raises:
        StudyError: it cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._values: dict[str, Any] = {}
        try:
            text = path.read_bytes() if path.exists() else b""
        except OSError as error:
            raise StudyError(f"sidecar: {path} cannot be read ({error.strerror}); give another --store") from None
        for line in text.splitlines():
            try:
                one = json.loads(line)
                self._values[str(one["name"])] = one["value"]
            except (ValueError, KeyError, TypeError):
                continue
        self._cut = bool(text) and not text.endswith(b"\n")

    def __setitem__(self, name: str, value: Any) -> None:
        line = json.dumps({"name": name, "value": value}, allow_nan=False) + "\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write("\n" * self._cut + line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StudyError(
                f"sidecar: {self.path} cannot be written ({error.strerror}); give another --store"
            ) from None
        self._cut = False
        self._values[name] = value

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __delitem__(self, name: str) -> None:
        raise TypeError("lines are only added")

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._values))

    def __len__(self) -> int:
        return len(self._values)
