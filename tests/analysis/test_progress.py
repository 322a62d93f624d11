"""How far a study is: read from its records, each of them once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from critlab.analysis.tables.progress import progress
from critlab.store import Store
from critlab.store.disk import files
from inline import Inline
from studies import small


@pytest.mark.slow
def test_each_record_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, store = small(seeds=2, measures={"fisher_trace": {"every": 2, "images": 40}}), Store(tmp_path / "s")
    assert not Inline(study, store).run().failures
    found, counts, read = progress(study, store), Counter[tuple[str, str]](), files.read

    def counted(path: Path, most: int) -> bytes:
        counts[path.parent.parent.name, path.name] += 1
        return read(path, most)

    monkeypatch.setattr(files, "read", counted)
    assert progress(study, store).document("") == found.document("")
    assert found.epochs_left == 0
    records = {place: count for place, count in counts.items() if place[0] in ("epochs", "readings")}
    assert len(records) == sum(1 for kind in ("epochs", "readings") for _ in (store.root / kind).rglob("*.json"))
    assert set(records.values()) == {1}
    next((store.root / "epochs").rglob("*.json")).unlink()
    assert progress(study, store).epochs_left > 0
