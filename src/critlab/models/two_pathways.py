"""A network of two pathways that are added, one for each source, as a module."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from critlab.models.blocks.strided_pointwise import sound_convolutions


class TwoPathways(nn.Module):
    """``head(mean over positions of trunk(pathway_a(A) + pathway_b(B)))``.

    Args:
        pathway_a: from ``(N, channels, height, width)`` to the features that are added.
        pathway_b: the same for source B.
        trunk: what follows the sum; its output, at every position, is the layer that measures of sources read.
        heads: linear maps from the trunk's channels to the logits, by name.
    """

    feature_layer = "trunk"

    def __init__(
        self, pathway_a: nn.Module, pathway_b: nn.Module, trunk: nn.Module, heads: dict[str, nn.Module]
    ) -> None:
        super().__init__()
        self.pathway_a, self.pathway_b, self.trunk = pathway_a, pathway_b, trunk
        self.heads = nn.ModuleDict(heads)

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``(N, classes)`` of ``(N, 2, channels, height, width)``, or ``(N, heads, classes)``."""
        view_a, view_b = (view.contiguous(memory_format=torch.channels_last) for view in images.unbind(1))
        # the layout is this model's own choice, so its gradients are sound in any loop
        with sound_convolutions(images.device):
            features = self.trunk(self.pathway_a(view_a) + self.pathway_b(view_b)).mean((-2, -1))
        logits = [head(features) for head in self.heads.values()]
        return logits[0] if len(logits) == 1 else torch.stack(logits, 1)


def linear_heads(features: int, classes: int, count: int) -> dict[str, nn.Module]:
    """One head ``output``, or the three that answer for both sources, for A and for B, in this order."""
    names = ("output",) if count == 1 else ("both", "a", "b")
    return {name: nn.Linear(features, classes) for name in names}
