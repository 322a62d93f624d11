"""A trial of training takes an epoch that trains, whichever run comes last."""

from __future__ import annotations

import critlab
from critlab.deficits import Blur
from critlab.objectives import SmoothedCrossEntropy
from critlab.study.runs.recipe import recipes, typical_recipe


def test_a_frozen_epoch_is_never_the_trial() -> None:
    setup = critlab.Setup.model_validate(
        {
            "data": {"name": "sample", "train": 200},
            "model": {"name": "mlp"},
            "optimizer": {"name": "sgd", "lr": 0.05, "lr_decay": 0.9},
            "objective": {"name": "smoothed_cross_entropy", "smoothing": 0.1},
        }
    )
    study = critlab.removal_sweep(Blur(factor=7), at=[0, 4], recovery=4, seeds=3, setup=setup)
    frozen = [run for run in study.runs if run.frozen]
    assert recipes(frozen[-1], study)[0].frozen
    assert typical_recipe(frozen, study).objective == SmoothedCrossEntropy(smoothing=0.1)
    assert not typical_recipe(frozen, study).frozen
    assert typical_recipe(study.runs, study).deficits
