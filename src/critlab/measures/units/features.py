"""The output of one layer of a model: what a measure of units looks at."""

from __future__ import annotations

from torch import Tensor, nn

from critlab._core.errors import StudyError
from critlab._core.problems import nearest, shown


def feature_layer(model: nn.Module, asked: str | None, measure: str) -> str:
    """The layer that a measure reads: ``asked``, or the one that the model names in its ``feature_layer``.

    Args:
        model: any module.
        asked: a name in ``model.named_modules()``; None is the model's own choice.
        measure: the measure's name, for messages.

    Raises:
        StudyError: there is no such layer, or none was asked and the model names none.
    """
    names = [name for name, _ in model.named_modules() if name]
    chosen = asked if asked is not None else getattr(model, "feature_layer", None)
    if chosen is None:
        raise StudyError(
            f"measures.{measure}.layer: required, as the model names no feature_layer; "
            f"give the layer to read{nearest('', names)}"
        )
    if chosen not in names:
        text = f"received {shown(chosen)}, which names no layer of the model{nearest(str(chosen), names)}"
        raise StudyError(f"measures.{measure}.layer: {text}")
    return str(chosen)


def features_of(model: nn.Module, layer: str, images: Tensor) -> Tensor:
    """What ``layer`` gives when the model sees ``images``, ``(N, *units)``.

    Raises:
        StudyError: the layer gives something else than one tensor, or was not called.
    """
    found: list[object] = []
    handle = model.get_submodule(layer).register_forward_hook(lambda module, inputs, output: found.append(output))
    try:
        model(images)
    finally:
        handle.remove()
    if len(found) != 1 or not isinstance(found[0], Tensor):
        came = type(found[0]).__name__ if len(found) == 1 else f"{len(found)} outputs"
        raise StudyError(f"layer {shown(layer)}: gave {came}; must give one tensor each time the model is called")
    return found[0]
