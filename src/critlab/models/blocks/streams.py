"""The transformer of several streams, as a module."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from critlab._core.errors import StudyError

if TYPE_CHECKING:
    from critlab.models.two_stream_transformer import TwoStreamTransformer


class TwoStreamNetwork(nn.Module):
    """Streams of tokens, one for each source, then blocks that see all of them; see ``build`` in the module of its
    options.

    Args:
        example_shape: ``(sources, channels, height, width)``.
        classes: how many logits.
        options: sizes.
    """

    feature_layer = "features"

    def __init__(self, example_shape: tuple[int, ...], classes: int, options: TwoStreamTransformer) -> None:
        super().__init__()
        sources, channels, height, width = example_shape
        self.patch, size = options.patch, options.width
        numbers = channels * options.patch**2
        tokens = (height // options.patch) * (width // options.patch)
        self.streams = nn.ModuleList(Stream(numbers, tokens, options) for _ in range(sources))
        self.shared = nn.Sequential(*(Block(size, options.attention_heads) for _ in range(options.shared_blocks)))
        self.norm = nn.LayerNorm(size)
        self.features = nn.Identity()
        self.output = nn.Linear(size, classes)
        self.decoder: Decoder | None = Decoder(size, numbers) if options.reconstruction else None

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``(N, classes)`` of ``(N, sources, channels, height, width)``."""
        tokens = self.encoded(patches(images, self.patch), None)
        logits: Tensor = self.output(self.features(tokens.mean((1, 2))))
        return logits

    def encoded(self, cut: Tensor, hidden: Tensor | None) -> Tensor:
        """What the blocks make of all tokens, normed.

        Args:
            cut: ``(N, sources, tokens, numbers)``: the patches.
            hidden: bool ``(N, sources, tokens)``: patches that are not seen but as a learned token; None for none.

        Returns:
            ``(N, sources, tokens, width)``.
        """
        unseen = None if self.decoder is None else self.decoder.hidden
        streams = [
            stream(cut[:, source], None if hidden is None else hidden[:, source], unseen)
            for source, stream in enumerate(self.streams)
        ]
        tokens = torch.stack(streams, 1)
        found: Tensor = self.norm(self.shared(tokens.flatten(1, 2)).unflatten(1, tokens.shape[1:3]))
        return found

    def reconstructed(self, cut: Tensor, hidden: Tensor) -> Tensor:
        """Every patch as it is guessed where those of ``hidden`` are not seen; shapes as in :meth:`encoded`.

        Raises:
            StudyError: the model was built without the head for it.
        """
        if self.decoder is None:
            raise StudyError(
                "objective 'cross_source_reconstruction' needs a head for patches; set model.reconstruction = true"
            )
        guess: Tensor = self.decoder.output(self.encoded(cut, hidden))
        return guess


class Stream(nn.Module):
    """The tokens of one source.

    Args:
        numbers: of a patch.
        tokens: patches of an image.
        options: sizes.
    """

    def __init__(self, numbers: int, tokens: int, options: TwoStreamTransformer) -> None:
        super().__init__()
        self.embedding = nn.Linear(numbers, options.width)
        self.position = nn.Parameter(torch.randn(tokens, options.width) * 0.02)
        self.blocks = nn.Sequential(
            *(Block(options.width, options.attention_heads) for _ in range(options.stream_blocks))
        )

    def forward(self, cut: Tensor, hidden: Tensor | None, unseen: Tensor | None) -> Tensor:
        """``(N, tokens, width)`` of patches ``(N, tokens, numbers)``, with ``unseen`` in place of the hidden ones."""
        tokens = self.embedding(cut)
        if hidden is not None and unseen is not None:
            tokens = torch.where(hidden[..., None], unseen.to(tokens.dtype), tokens)
        found: Tensor = self.blocks(tokens + self.position)
        return found


class Block(nn.Module):
    """Attention, then two layers, each after a norm and added to what came: ``(N, tokens, width)`` to the same.

    Args:
        width: numbers of a token.
        heads: of the attention.

    Source: Vaswani et al. 2017, with the norm first as in Dosovitskiy et al. 2021.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attend, self.attended = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, tokens: Tensor, mask: Tensor | None = None, pairs: Tensor | None = None) -> Tensor:
        """The tokens after one block.

        Args:
            tokens: ``(N, tokens, width)``.
            mask: bool ``(N, tokens)``; where it is False, no token looks. None is everywhere.
            pairs: bool ``(tokens, tokens)``, in place of ``mask``: which token (row) looks at which.
        """
        asked = self.attend(self.norm1(tokens)).unflatten(-1, (3, self.heads, -1))
        queries, keys, values = asked.permute(2, 0, 3, 1, 4)
        looked_at = pairs if mask is None else mask[:, None, None]
        seen = scaled_dot_product_attention(queries, keys, values, attn_mask=looked_at).transpose(1, 2).flatten(2)
        tokens = tokens + self.attended(seen)
        found: Tensor = tokens + self.narrow(nn.functional.gelu(self.widen(self.norm2(tokens))))
        return found


class Decoder(nn.Module):
    """What reconstruction needs beyond the encoder.

    Args:
        width: numbers of a token.
        numbers: of a patch.
    """

    def __init__(self, width: int, numbers: int) -> None:
        super().__init__()
        self.hidden = nn.Parameter(torch.randn(width) * 0.02)
        self.output = nn.Linear(width, numbers)


def patches(images: Tensor, side: int) -> Tensor:
    """``(N, sources, channels, height, width)`` as ``(N, sources, tokens, channels * side**2)``, row by row."""
    cut = images.unflatten(-1, (-1, side)).unflatten(-3, (-1, side))
    rows: Tensor = cut.movedim((3, 5), (2, 3))
    return rows.flatten(2, 3).flatten(3)
