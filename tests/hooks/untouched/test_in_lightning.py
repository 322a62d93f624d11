"""Five trainings of Lightning, each with other habits: a watch, forks and a deficit that is off change no bit.

These run where Lightning is installed: pip install 'critlab[lightning]'.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, one_hot

from critlab.deficits import FeatureDropout
from critlab.hooks.watch import Watch
from whole_trainings import CLASSES, assert_looked, assert_same, examples, fork_plan, left, looked_at_always, off

pytestmark = pytest.mark.slow  # every test trains with the trainer of another package

lightning: Any = None

BATCH, EPOCHS = 4, 4
BATCHES = len(examples()) // BATCH


@pytest.fixture(autouse=True, scope="module")
def frameworks() -> None:
    """Imported when the first of these tests runs: the import takes seconds, and every test process collects this."""
    global lightning
    lightning = pytest.importorskip("lightning.pytorch")
    torch.set_num_threads(1)


def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, CLASSES))


def classifier(interval: str = "step") -> Any:
    """One optimiser, a schedule that steps after each step or epoch, validation."""

    class Classifier(lightning.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.net = net()
            self.losses: list[Tensor] = []

        def forward(self, inputs: Tensor) -> Any:
            return self.net(inputs)

        def training_step(self, batch: Any, place: int) -> Tensor:
            loss = cross_entropy(self(batch[0]), batch[1])
            self.log("loss", loss)
            self.losses.append(loss.detach())
            return loss

        def validation_step(self, batch: Any, place: int) -> None:
            self.log("held_out", cross_entropy(self(batch[0]), batch[1]))

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.AdamW(self.parameters(), lr=0.02)
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * BATCHES)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": interval}}

    return Classifier()


def by_hand() -> Any:
    """Manual optimisation: accumulation, clipping and the schedule are the module's own."""

    class ByHand(type(classifier())):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = False

        def training_step(self, batch: Any, place: int) -> Tensor:
            loss = cross_entropy(self(batch[0]), batch[1])
            self.manual_backward(loss / 2)
            if place % 2:
                optimizer = self.optimizers()
                self.clip_gradients(optimizer, gradient_clip_val=1.0, gradient_clip_algorithm="norm")
                optimizer.step()
                optimizer.zero_grad()
                self.lr_schedulers().step()
            self.losses.append(loss.detach())
            return loss

    return ByHand()


def adversaries() -> Any:
    """A generator and a discriminator that also classifies, whose optimisers take turns."""

    class Adversaries(lightning.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = False
            self.generator, self.body = (
                nn.Linear(4 + CLASSES, 6),
                nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.2), nn.ReLU()),
            )
            self.classes, self.real = nn.Linear(8, CLASSES), nn.Linear(8, 1)
            self.losses: list[Tensor] = []

        def forward(self, inputs: Tensor) -> Any:
            return self.classes(self.body(inputs))

        def judged(self, inputs: Tensor, labels: Tensor, real: float) -> Tensor:
            found = self.body(inputs)
            said = self.real(found)
            return cross_entropy(self.classes(found), labels) + binary_cross_entropy_with_logits(
                said, torch.full_like(said, real)
            )

        def training_step(self, batch: Any, place: int) -> None:
            inputs, labels = batch
            made = self.generator(torch.cat([torch.randn(len(labels), 4), one_hot(labels, CLASSES)], 1))
            creating, judging = self.optimizers()
            self.turn(creating, lambda: self.judged(made, labels, 1.0))
            self.turn(judging, lambda: self.judged(inputs, labels, 1.0) + self.judged(made.detach(), labels, 0.0))

        def turn(self, optimizer: Any, loss_of: Callable[[], Tensor]) -> None:
            self.toggle_optimizer(optimizer)
            optimizer.zero_grad()
            loss = loss_of()
            self.manual_backward(loss)
            optimizer.step()
            self.untoggle_optimizer(optimizer)
            self.losses.append(loss.detach())

        def configure_optimizers(self) -> Any:
            judging = [one for part in (self.body, self.classes, self.real) for one in part.parameters()]
            return [
                torch.optim.Adam(self.generator.parameters(), lr=0.01, betas=(0.5, 0.999)),
                torch.optim.Adam(judging, lr=0.01, betas=(0.5, 0.999)),
            ]

    return Adversaries()


def averaging(kind: str) -> Callable[[], list[Any]]:
    def made() -> list[Any]:
        if kind == "swa":
            return [lightning.callbacks.StochasticWeightAveraging(swa_lrs=0.01, swa_epoch_start=2)]
        return [lightning.callbacks.EMAWeightAveraging(decay=0.9)]

    return made


@dataclass(frozen=True)
class Kind:
    """A module and how it is trained."""

    make: Callable[[], Any]
    steps: int
    """Steps of all optimisers; averaging ends with a pass for the statistics of BatchNorm, which Lightning counts."""
    trainer: dict[str, Any] = field(default_factory=dict)
    callbacks: Callable[[], list[Any]] = list
    forks: bool = True
    """Whether it has one optimiser that Lightning steps: else forks need functions of one's own."""


WHOLE = EPOCHS * BATCHES

TRAININGS = {
    "manual optimisation": Kind(by_hand, WHOLE // 2, forks=False),
    "two optimisers that take turns": Kind(adversaries, WHOLE, forks=False),
    "accumulation and clipping": Kind(classifier, WHOLE // 2, {"accumulate_grad_batches": 2, "gradient_clip_val": 0.5}),
    "stochastic weight averaging": Kind(lambda: classifier("epoch"), WHOLE + 1, callbacks=averaging("swa")),
    "bfloat16, averaged weights and checkpoints": Kind(
        classifier, WHOLE, {"precision": "bf16-mixed", "enable_checkpointing": True}, averaging("ema")
    ),
}


def accuracy(module: Any) -> float:
    inputs, labels = (torch.stack(part) for part in zip(*examples(), strict=True))
    return float((module(inputs).argmax(1) == labels).float().mean())


def trained(kind: Kind, folder: Path, *, watched: bool) -> tuple[dict[str, Any], Watch | None]:
    from critlab.hooks.lightning import WatchCallback

    lightning.seed_everything(1, verbose=False)
    module = kind.make()
    loader: Any = torch.utils.data.DataLoader(examples(), batch_size=BATCH, shuffle=True)  # type: ignore[arg-type]
    held_out: Any = torch.utils.data.DataLoader(examples(), batch_size=BATCH)  # type: ignore[arg-type]
    callbacks, watching = kind.callbacks(), None
    if watched:
        plan = fork_plan(accuracy) if kind.forks else None
        watching = looked_at_always(WatchCallback(budget=1.0, forks=plan), "on_train_start")
        callbacks.append(watching)
        loader = off(loader, FeatureDropout(share=0.5))
    options = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    trainer = lightning.Trainer(
        max_epochs=EPOCHS,
        default_root_dir=folder,
        callbacks=callbacks,
        num_sanity_val_steps=0,
        **{**options, "enable_checkpointing": False, **kind.trainer},
    )
    trainer.fit(module, loader, held_out if isinstance(module, type(classifier())) else None)
    parts = {
        "weights": module.state_dict(),
        "moments": [one.state_dict() for one in trainer.optimizers],
        "schedules": [{"lr": one.scheduler.get_last_lr()} for one in trainer.lr_scheduler_configs],
        "losses": module.losses,
        "logged": dict(trainer.logged_metrics),
    }
    return left(**parts), watching and watching.watch


@pytest.mark.parametrize("name", TRAININGS)
def test_it_ends_with_the_same_bits(name: str, tmp_path: Path) -> None:
    kind = TRAININGS[name]
    plain, _ = trained(kind, tmp_path / "plain", watched=False)
    seen, watch = trained(kind, tmp_path / "seen", watched=True)
    assert_same(plain, seen)
    assert_looked(watch, steps=kind.steps, forked=kind.forks)
