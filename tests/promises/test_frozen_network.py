"""A network that is frozen until removal neither learns nor takes harm: no verdict calls that a critical period.

``evidence/verdicts.py`` does it at the size of the demo.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import critlab
from critlab.papers.ours.sample_base import sample_base
from critlab.study import WindowOverride


@pytest.mark.slow
def test_a_frozen_network_is_never_present(tmp_path: Path) -> None:
    setup = sample_base(train=200, width=2, batch=20, lr_decay=0.4).model_copy(update={"measures": {}})
    study = critlab.removal_sweep(
        None,
        switch=WindowOverride(lr_factor=0.0),
        at=[0, 3],
        recovery=3,
        seeds=3,
        setup=setup,
        precision="float32",
        name="frozen",
        statistics={"final_epochs": 1},
    )
    verdict = critlab.run(study, tmp_path / "store", engine="inline", device="cpu").verdict()
    assert verdict.answer != "present"
    found = {one.name: one for one in verdict.damages}
    assert found["beyond_delay"].estimate == pytest.approx(0, abs=0.02), "at most what the momentum keeps of the window"
    assert not found["harm"].exceeds
