"""A trial of training takes an epoch that trains, whichever run comes last."""

from __future__ import annotations

from critlab.objectives import SmoothedCrossEntropy
from critlab.study.runs.recipe import recipes, typical_recipe
from critlab.study.study import Study


def test_a_frozen_epoch_is_never_the_trial() -> None:
    study = Study.model_validate(
        {
            "name": "smoothed",
            "seeds": 3,
            "objective": {"name": "smoothed_cross_entropy", "smoothing": 0.1},
            "data": {"name": "sample", "train": 200},
            "model": {"name": "mlp"},
            "optimizer": {"name": "sgd", "lr": 0.05},
            "deficit": {"name": "blur", "factor": 7},
            "sweep": {"kind": "removal", "at": [0, 4], "recovery": 4},
            "controls": {"delay": True},
        }
    )
    frozen = [run for run in study.runs if run.frozen]
    assert frozen
    assert recipes(frozen[-1], study)[0].frozen
    assert typical_recipe(frozen, study).objective == SmoothedCrossEntropy(smoothing=0.1)
    assert not typical_recipe(frozen, study).frozen
    assert typical_recipe(study.runs, study).deficits
