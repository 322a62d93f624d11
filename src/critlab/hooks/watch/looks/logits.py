"""The logits in what a model gives, whatever the framework; where it is not plain which they are, a refusal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from critlab._core.errors import StudyError
from critlab.hooks.watch.looks.inputs import LABELS, Inputs, by_name, call_of, count, encodes_and_decodes
from critlab.measures.likelihoods.head import that_fit
from critlab.measures.likelihoods.likelihood import Likelihood

LOGITS = "logits"
IGNORED = -100
"""The label of a position that has no loss, in the convention of torch and of Hugging Face."""
WAY_OUT = "give forward=, a function (model, inputs) -> logits (examples, classes), or what likelihood= understands"


class LogitsOf:
    """Calls a model and finds the logits in what it returns.

    They are the output itself, its ``logits``, its item ``"logits"``, or the one tensor of a tuple that the likelihood
    understands, where a loss may come first. Positions of a sequence that are padding get logits that are 0 and depend
    on nothing: those outside of the ``attention_mask``; in an encoder-decoder those outside of the
    ``decoder_attention_mask``, or else those with the label -100.

    Raises:
        StudyError: there are no such logits, or several of them.
    """

    def __init__(self, likelihood: Likelihood) -> None:
        self.likelihood = likelihood
        #: of the logits in a tuple, once it is known
        self._place: int | None = None

    def __call__(self, model: nn.Module, inputs: Inputs) -> Tensor:
        """The logits for ``inputs``."""
        call = call_of(inputs)
        found = self._logits(model(*call.places, **call.names), count(inputs))
        kept = _kept(model, inputs) if found.ndim == 3 else None
        if kept is not None and kept.shape == found.shape[:2]:
            return torch.where(kept.to(found.device)[..., None], found, torch.zeros_like(found))
        return found

    def _logits(self, given: Any, examples: int) -> Tensor:
        if isinstance(given, Tensor):
            return given
        named = _named(given)
        if isinstance(named.get(LOGITS), Tensor):
            more = [(name, one) for name, one in named.items() if name != LOGITS and name.endswith(LOGITS)]
            others = [name for name, one in more if self._fits(one)]
            if others:
                raise _refused(f"several logits ({LOGITS}, {', '.join(others)})")
            found: Tensor = named[LOGITS]
            return found
        if isinstance(given, tuple | list):
            if self._place is None:
                self._place = self._found(given, examples)
            if self._place < len(given) and isinstance(given[self._place], Tensor):
                one: Tensor = given[self._place]
                return one
        raise _refused(f"{type(given).__name__} without logits", given)

    def _found(self, given: tuple[Any, ...] | list[Any], examples: int) -> int:
        places = [place for place, one in enumerate(given) if self._fits(one) and len(one) == examples]
        if not places:
            raise _refused(f"{type(given).__name__} without logits", given)
        if len(places) > 1:
            shapes = ", ".join(str(tuple(given[place].shape)) for place in places)
            raise _refused(f"{len(places)} tensors that may be logits ({shapes})")
        return places[0]

    def _fits(self, value: Any) -> bool:
        fits = isinstance(value, Tensor) and value.is_floating_point() and value.ndim > 0
        return fits and self.likelihood.understands(value.shape)


def _named(given: Any) -> Mapping[str, Any]:
    """What an output holds by name: a mapping's items, else the fields of a named tuple, data class or namespace."""
    if isinstance(given, Mapping):
        return given
    fields = getattr(given, "_fields", None)
    if isinstance(fields, tuple):
        return {name: getattr(given, name) for name in fields}
    return vars(given) if hasattr(given, "__dict__") else {}


def _kept(model: nn.Module, inputs: Inputs) -> Tensor | None:
    """Bool ``(examples, positions)``: which positions are no padding; None where nothing says it."""
    named = dict(by_name(model, inputs))
    for batch in [one for one in named.values() if isinstance(one, Mapping)]:
        named = {**batch, **named}  # a model may take its whole batch as one argument
    if encodes_and_decodes(model):
        mask, labels = named.get("decoder_attention_mask"), named.get(LABELS)
        if isinstance(mask, Tensor):
            return mask.bool()
        return labels != IGNORED if isinstance(labels, Tensor) else None
    mask = named.get("attention_mask")
    return mask.bool() if isinstance(mask, Tensor) else None


def _refused(came: str, given: Any = ()) -> StudyError:
    shapes = [one.shape for one in given if isinstance(one, Tensor)] if isinstance(given, tuple | list) else []
    others = list(dict.fromkeys(name for shape in shapes for name in that_fit(shape)))
    hint = f"; likelihoods that fit one of its tensors: {', '.join(others)}" if others else ""
    return StudyError(f"watch: model: it gave {came}; {WAY_OUT}{hint}")
