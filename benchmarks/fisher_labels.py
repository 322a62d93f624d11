"""What a reading of the Fisher trace takes with all labels in every pass, over one with labels drawn from the model.

    python benchmarks/fisher_labels.py [--repeats 7] [--out results/benchmarks/fisher_labels.csv]

Networks as they are at the beginning, when they are not confident, and one that is, where few images carry the trace
and get more passes. Both readings are timed in turn in one process, on one thread. The ratio is of the medians, in
processor time.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from critlab.models import MODELS

sys.path.insert(0, str(Path(__file__).parent.parent / "evidence"))

from fisher_coverage import METHODS

NETS: dict[str, tuple[str, dict[str, object], int]] = {
    "All-CNN of width 24, 10 classes": ("all_cnn", {"width": 24}, 10),
    "All-CNN of width 24, 100 classes": ("all_cnn", {"width": 24}, 100),
    "All-CNN of width 24, 1,000 classes": ("all_cnn", {"width": 24}, 1000),
    "perceptron 784-256-10": ("mlp", {"hidden": [256]}, 10),
}


class Language(nn.Module):
    """Two transformer blocks over 32 positions, and 512 tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(512, 64)
        block = nn.TransformerEncoderLayer(64, 4, 256, dropout=0.0, batch_first=True)
        self.blocks, self.out = nn.TransformerEncoder(block, 2, enable_nested_tensor=False), nn.Linear(64, 512)

    def forward(self, tokens: Tensor) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(tokens.shape[1])
        found: Tensor = self.out(self.blocks(self.embed(tokens), mask=mask, is_causal=True))
        return found


def cases() -> dict[str, Callable[[], tuple[nn.Module, Tensor]]]:
    """Each makes a network and what it looks at."""

    def of(name: str, options: dict[str, object], classes: int) -> tuple[nn.Module, Tensor]:
        model = MODELS[name](**options).build((1, 28, 28), classes)
        return model, torch.randn(1024, 1, 28, 28)

    def confident() -> tuple[nn.Module, Tensor]:
        """Nearly every image is sure, a few are not."""
        model, images = of(*NETS["perceptron 784-256-10"])
        with torch.no_grad():
            [*model.parameters()][-2].mul_(60)
        return model, images

    found: dict[str, Callable[[], tuple[nn.Module, Tensor]]] = {
        name: lambda given=given: of(*given) for name, given in NETS.items()
    }
    found["language model, 32 positions, 512 tokens"] = lambda: (Language(), torch.randint(512, (256, 32)))
    found["perceptron 784-256-10, confident"] = confident
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks/fisher_labels.csv"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    with given.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["network", "drawn_seconds", "all_seconds", "ratio", "repeats"])
        for name, make in cases().items():
            torch.manual_seed(0)
            model, inputs = make()
            model.eval()
            times: dict[str, list[float]] = {method: [] for method in METHODS}
            for repeat in range(given.repeats + 1):
                for method, read in METHODS.items():
                    begin = time.process_time()
                    read(model, inputs, repeat)
                    times[method].append(time.process_time() - begin)
            drawn, every = (statistics.median(times[method][1:]) for method in ("drawn", "all"))
            writer.writerow([name, f"{drawn:.4g}", f"{every:.4g}", f"{every / drawn:.3f}", given.repeats])
            file.flush()


if __name__ == "__main__":
    main()
