"""The transformer of one stream of tokens, as a module."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from critlab.models.blocks.streams import Block

if TYPE_CHECKING:
    from critlab.models.token_transformer import TokenTransformer


class TokenNetwork(nn.Module):
    """Tokens to logits; see ``build`` of its options.

    Args:
        places: of a sequence.
        classes: how many logits.
        options: sizes, vocabulary and padding.
    """

    feature_layer = "features"

    def __init__(self, places: int, classes: int, options: TokenTransformer) -> None:
        super().__init__()
        self.padding, self.per_token, size = options.padding, options.per_token, options.width
        self.embedding = nn.Embedding(options.vocabulary, size)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.position = nn.Parameter(torch.randn(places, size) * 0.02)
        self.blocks = nn.ModuleList(Block(size, options.attention_heads) for _ in range(options.blocks))
        self.norm = nn.LayerNorm(size)
        self.features = nn.Identity()
        self.output = nn.Linear(size, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits ``(N, classes)``, or ``(N, places, classes)``, of int64 ``(N, places)``."""
        if self.per_token:
            return self._at_each_token(tokens)
        mask = None if self.padding is None else tokens != self.padding
        found = self.embedding(tokens) + self.position
        for block in self.blocks:
            found = block(found, mask)
        found = self.norm(found)
        if mask is None:
            mean = found.mean(1)
        else:
            weight = mask.to(found.dtype)[..., None]
            mean = (found * weight).sum(1) / weight.sum(1)
        logits: Tensor = self.output(self.features(mean))
        return logits

    def _at_each_token(self, tokens: Tensor) -> Tensor:
        """Logits at each token, from the tokens up to it; padding lies behind them and is not seen."""
        places = tokens.shape[1]
        before = torch.ones(places, places, dtype=torch.bool, device=tokens.device).tril()
        found = self.embedding(tokens) + self.position
        for block in self.blocks:
            found = block(found, None, before)
        logits: Tensor = self.output(self.features(self.norm(found)))
        return logits
