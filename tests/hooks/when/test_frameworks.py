"""``critlab.when`` in Lightning and in the Trainer of Transformers: forks equal runs from scratch bit for bit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import critlab
from critlab.errors import StudyError

pytestmark = pytest.mark.slow  # the trainer of another package trains

os.environ.setdefault("HF_HUB_OFFLINE", "1")
TOTAL = 3


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def examples(count: int = 24) -> list[tuple[Tensor, Tensor]]:
    g = torch.Generator().manual_seed(0)
    return [(torch.randn(6, generator=g), torch.randint(3, (), generator=g)) for _ in range(count)]


def scratch(loop: dict[str, Any], seed: int, time: int) -> dict[str, float]:
    """One training in one piece, by the learner alone, without a store, a fork or a load."""
    from critlab.hooks.when.check import OFF, ON
    from critlab.hooks.when.learner import SwitchLearner, SwitchLoop
    from critlab.study.ingredients.measurement import TEST, Measurement

    names = ("make", "advance", "evaluate", "save", "load", "switch")
    learner = SwitchLearner(SwitchLoop(*(loop[name] for name in names)), "metric")
    state = learner.start({"seed": seed})
    for epoch in range(TOTAL):
        learner.advance(state, ON if epoch >= time else OFF, epoch)
    return {one.quantity: one.value for one in learner.measure(state, Measurement(TEST, None, None))}


def test_lightning(tmp_path: Path) -> None:
    lightning = pytest.importorskip("lightning.pytorch")
    from critlab.hooks.lightning import when_loop

    class Module(lightning.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = nn.Linear(6, 8), nn.Linear(8, 3)
            self.dropout = nn.Dropout(0.2)

        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = self.head(self.dropout(self.body(x)).relu())
            return found

        def training_step(self, batch: Any, place: int) -> Tensor:
            return nn.functional.cross_entropy(self(batch[0]), batch[1])

        def validation_step(self, batch: Any, place: int) -> None:
            self.log("val_loss", nn.functional.cross_entropy(self(batch[0]), batch[1]))

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.Adam(self.parameters(), lr=0.01)
            return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)]

    class Data(lightning.LightningDataModule):  # type: ignore[misc, name-defined]
        def train_dataloader(self) -> Any:
            return torch.utils.data.DataLoader(examples(), batch_size=8, shuffle=True)  # type: ignore[arg-type]

        def val_dataloader(self) -> Any:
            return torch.utils.data.DataLoader(examples(), batch_size=24)  # type: ignore[arg-type]

    def make_module(seed: int) -> tuple[Any, Any]:
        module = Module()
        module.body.requires_grad_(False)
        return module, Data()

    def unfreeze(training: Any, on: bool) -> None:
        training.module.body.requires_grad_(on)

    loop = when_loop(make_module, unfreeze, total=TOTAL, trainer={"accelerator": "cpu"})
    options: dict[str, Any] = {
        "tolerance": 0.01,
        "seeds": 3,
        "version": "1",
        "times": [0, 2],
        "store": tmp_path,
        "check": False,
    }
    answer = critlab.when(**loop, goal={"val_loss": "min"}, **options)
    assert answer.matters
    for time, seed in [(0, 0), (2, 1), (TOTAL, 2)]:
        assert answer.cells[time, seed] == scratch(loop, seed, time)
    training = loop["make"](0)
    for epoch in range(2):
        loop["advance"](training, epoch)
    assert training.checkpoint["global_step"] == 6
    assert training.checkpoint["lr_schedulers"][0]["_last_lr"] == [0.0025]


def test_transformers(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    from critlab.hooks.transformers import when_loop

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = nn.Linear(6, 8), nn.Linear(8, 3)

        def forward(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
            logits = self.head(self.body(x).relu())
            return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}

    rows = [{"x": x, "labels": label} for x, label in examples()]

    def trainer(**more: Any) -> Any:
        quiet: dict[str, Any] = {"report_to": [], "disable_tqdm": True, "logging_strategy": "no", "use_cpu": True}
        arguments = transformers.TrainingArguments(
            str(tmp_path / "trainer"), per_device_train_batch_size=8, save_strategy="no", **quiet, **more
        )
        return transformers.Trainer(Net(), arguments, train_dataset=rows, eval_dataset=rows)

    def make_trainer(seed: int) -> Any:
        made = trainer(learning_rate=0.01)
        made.create_optimizer()
        made.model.body.requires_grad_(False)
        return made

    def unfreeze(made: Any, on: bool) -> None:
        made.model.body.requires_grad_(on)

    loop = when_loop(make_trainer, unfreeze, total=TOTAL, epoch_steps=4)
    options: dict[str, Any] = {
        "tolerance": 0.01,
        "seeds": 3,
        "version": "1",
        "times": [0, 2],
        "store": tmp_path,
        "check": False,
    }
    answer = critlab.when(**loop, goal={"eval_loss": "min"}, **options)
    assert answer.matters
    for time, seed in [(0, 0), (2, 1), (TOTAL, 2)]:
        assert answer.cells[time, seed] == scratch(loop, seed, time)
    assert set(answer.cells[0, 0]) == {"eval_loss"}
    training = loop["make"](0)
    loop["advance"](training, 0)
    rate = training.trainer.lr_scheduler.get_last_lr()[0]
    assert rate == pytest.approx(0.01 * (1 - 4 / (4 * TOTAL)))
    with pytest.raises(StudyError, match="data_seed=3, which repeats the same batches"):
        when_loop(lambda seed: trainer(data_seed=3), unfreeze, total=TOTAL, epoch_steps=4)["make"](0)
    late = when_loop(lambda seed: frozen_first(make_trainer(seed)), unfreeze, total=TOTAL, epoch_steps=4)
    with pytest.raises(StudyError, match="when: switch: the optimiser does not know 2 parameters"):
        scratch(late, 0, 1)


def frozen_first(made: Any) -> Any:
    """A trainer whose optimiser has the head alone."""
    made.optimizer = torch.optim.AdamW(made.model.head.parameters())
    return made
