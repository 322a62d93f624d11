"""Whether the switches of a study fit its network and its images, tried before the first epoch."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from critlab._core.errors import CritlabError, StudyError
from critlab._core.loading.imports import one_line
from critlab._core.problems import shown
from critlab.study.switches import Switch, switch_key
from critlab.study.switches.switch import EpochImages, Trained
from critlab.training.inputs.examples import Examples
from critlab.training.seeding import seeded
from critlab.training.states.outside import changed, outside

MOST_TRIED = 4
"""Images of a trial."""


def check_switches(switches: Iterable[Switch], trained: Trained, examples: Examples) -> None:
    """Tries every switch on an untrained network, and refuses what does not fit.

    Args:
        switches: of a study.
        trained: a new network with its optimiser.
        examples: the study's images.

    Raises:
        StudyError: with one line that names the key.

    Cost: a forward pass of a few images for each switch.
    """
    with seeded(0):
        for switch in switches:
            _try(switch, trained, examples)


def _try(switch: Switch, trained: Trained, examples: Examples) -> None:
    model, labels = trained.model.train(), examples.train_labels.cpu()
    switch.order(EpochImages(labels, trained.seed, trained.epoch, len(labels)))
    few = switch.shown(examples.ready(examples.train_images[:MOST_TRIED]))
    before, weights = outside(model), _weights(model)
    with switch.scope(trained):
        model.eval()
        _look(switch, model, few)
    model.train()
    now, left = outside(model), _weights(model)
    new, gone = changed(now, before)
    places = [*new, *gone, *(name for name in {**weights, **left} if not _same(weights.get(name), left.get(name)))]
    if places:
        raise StudyError(
            f"switch.{switch_key(switch)}: {places[0]} differs after on = False from what it was before on = True; a "
            "switch must restore what it changes, and must not change weights"
        )


def _look(switch: Switch, model: nn.Module, images: Tensor) -> None:
    try:
        with torch.no_grad():
            model(images)
    except CritlabError:
        raise
    except Exception as error:
        raise StudyError(
            f"switch.{switch_key(switch)}: received {shown(switch.plain())}, but the model fails with it on images of "
            f"shape {tuple(images.shape[1:])}: {one_line(error)}"
        ) from error


def _weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items() if isinstance(value, Tensor)}


def _same(one: Tensor | None, other: Tensor | None) -> bool:
    return one is not None and other is not None and one.shape == other.shape and torch.equal(one, other)
