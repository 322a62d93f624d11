"""The watch in Lightning's trainer and in that of Transformers: the training ends with the same bits.

These run where the frameworks are installed: pip install 'critlab[lightning,hf]'.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

pytestmark = pytest.mark.slow  # every test trains in worker processes, or with the trainer of another package

os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def images(count: int = 96) -> list[tuple[Tensor, Tensor]]:
    g = torch.Generator().manual_seed(0)
    return [(torch.randn(6, generator=g), torch.randint(3, (), generator=g)) for _ in range(count)]


def test_lightning_ends_with_the_same_bits(tmp_path: Path) -> None:
    lightning = pytest.importorskip("lightning.pytorch")
    from critlab.hooks.lightning import WatchCallback

    class Module(lightning.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.ReLU(), nn.Linear(8, 3))

        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = self.net(x)
            return found

        def training_step(self, batch: Any, place: int) -> Tensor:
            return nn.functional.cross_entropy(self(batch[0]), batch[1])

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    def trained(*callbacks: Any) -> dict[str, Tensor]:
        lightning.seed_everything(1, verbose=False)
        module = Module()
        loader: Any = torch.utils.data.DataLoader(images(), batch_size=8, shuffle=True)  # type: ignore[arg-type]
        quiet: dict[str, Any] = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
        trainer = lightning.Trainer(
            max_epochs=4,
            accelerator="cpu",
            accumulate_grad_batches=2,
            enable_model_summary=False,
            callbacks=list(callbacks),
            default_root_dir=tmp_path,
            **quiet,
        )
        trainer.fit(module, loader)
        return {**module.state_dict(), "rng": torch.get_rng_state()}

    callback = WatchCallback(budget=1.0)
    plain, seen = trained(), trained(callback)
    assert all(torch.equal(plain[name], seen[name]) for name in plain)
    assert callback.watch is not None
    assert callback.watch.steps == 4 * 96 // 8 // 2, "a step for every two batches"
    assert callback.watch.history
    assert callback.watch.history[-1].gradient_norm is not None
    assert callback.watch.history[-1].loss is not None


def test_transformers_end_with_the_same_bits(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    from critlab.hooks.transformers import WatchCallback

    g = torch.Generator().manual_seed(0)
    rows = [{"input_ids": torch.randint(20, (12,), generator=g)} for _ in range(64)]
    data = [{**row, "labels": row["input_ids"], "attention_mask": torch.ones(12, dtype=torch.long)} for row in rows]

    def trained(*callbacks: Any) -> dict[str, Tensor]:
        transformers.set_seed(1)
        config = transformers.GPT2Config(vocab_size=20, n_positions=12, n_embd=16, n_layer=2, n_head=2)
        model = transformers.GPT2LMHeadModel(config)
        arguments = transformers.TrainingArguments(
            output_dir=str(tmp_path),
            per_device_train_batch_size=8,
            gradient_accumulation_steps=2,
            gradient_checkpointing=True,
            gradient_checkpointing_kwargs={"use_reentrant": False},
            num_train_epochs=6,
            report_to=[],
            save_strategy="no",
            use_cpu=True,
            disable_tqdm=True,
        )
        trainer = transformers.Trainer(model=model, args=arguments, train_dataset=data, callbacks=list(callbacks))
        trainer.train()
        return {**model.state_dict(), "rng": torch.get_rng_state()}

    callback = WatchCallback(budget=1.0)
    plain, seen = trained(), trained(callback)
    assert all(torch.equal(plain[name], seen[name]) for name in plain)
    assert callback.watch is not None
    assert callback.watch.steps == 6 * 64 // 16
    assert callback.watch.history
    assert callback.watch.history[-1].gradient_norm is not None
    assert callback.watch.history[-1].loss is not None
    assert any(name.startswith("transformer.h.1") for name in callback.watch.history[-1].layers)
