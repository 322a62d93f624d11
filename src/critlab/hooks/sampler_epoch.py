"""The epoch of a data loader, as frameworks set it: by ``set_epoch`` of its sampler."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any


def samplers(loader: Any) -> list[Any]:
    """The samplers that a loader draws from, where it has some: its own, that of its batches, and these themselves."""
    batches = getattr(loader, "batch_sampler", None)
    found = [getattr(loader, "sampler", None), getattr(batches, "sampler", None), batches]
    return [one for place, one in enumerate(found) if one is not None and not any(one is x for x in found[:place])]


class Told:
    """A ``set_epoch`` that remembers the epoch, and passes it on to the sampler's own."""

    def __init__(self, own: Callable[[int], Any] | None) -> None:
        self.epoch, self._own = 0, own

    def __call__(self, epoch: int) -> None:
        """The next pass is epoch number ``epoch``."""
        self.epoch = epoch
        if self._own is not None:
            self._own(epoch)


def make_tellable(loader: Any) -> None:
    """Lets ``loader.sampler`` remember the epoch, where it does not yet; its order is as before.

    Only where a sampler has ``set_epoch`` do frameworks say with which epoch training goes on.
    """
    sampler = getattr(loader, "sampler", None)
    if sampler is None or sampler_epoch(loader) is not None:
        return
    own = getattr(sampler, "set_epoch", None)
    with suppress(AttributeError, TypeError):  # an object that takes no attributes
        sampler.set_epoch = Told(own if callable(own) else None)


def sampler_epoch(loader: Any) -> int | None:
    """The epoch that a sampler of ``loader`` was set to; None where it cannot be set."""
    for one in samplers(loader):
        told = getattr(one, "set_epoch", None)
        epoch = told.epoch if isinstance(told, Told) else getattr(one, "epoch", None)
        if callable(told) and isinstance(epoch, int):
            return epoch
    return None


def tell_epoch(loader: Any, epoch: int) -> None:
    """Calls ``set_epoch`` of ``loader``, of its samplers and of its data set, where they have it."""
    for one in (loader, *samplers(loader), getattr(loader, "dataset", None)):
        told = getattr(one, "set_epoch", None)
        if callable(told):
            told(epoch)
