"""Forks inside Lightning's trainer and that of Transformers: the training ends with the same bits, and has answers."""

from __future__ import annotations

import copy
import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import critlab
from critlab.hooks.sensitivity.torch_training import Parts, TorchTraining, _own_iterator
from critlab.hooks.watch import Watch
from watched_trainings import same

pytestmark = pytest.mark.slow  # every test trains with the trainer of another package, or for more than a second

os.environ.setdefault("HF_HUB_OFFLINE", "1")


def images(count: int = 64) -> list[tuple[Tensor, Tensor]]:
    g = torch.Generator().manual_seed(0)
    return [(torch.randn(6, generator=g), torch.randint(3, (), generator=g)) for _ in range(count)]


def scrambled(inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    return inputs, labels[torch.randperm(len(labels))]


def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.ReLU(), nn.Linear(8, 3))


def accuracy(model: nn.Module) -> float:
    inputs, labels = (torch.stack(part) for part in zip(*images(), strict=True))
    return float((model(inputs).argmax(1) == labels).float().mean())


def left(model: nn.Module, optimizer: Any) -> dict[str, Any]:
    """Everything that forks could disturb."""
    return {
        "weights": copy.deepcopy(model.state_dict()),
        "moments": copy.deepcopy(optimizer.state_dict()),
        "random": [torch.get_rng_state(), random.random(), float(np.random.rand())],
    }


def forks(**options: Any) -> critlab.ForkPlan:
    given: dict[str, Any] = {
        "deficits": [scrambled],
        "evaluate": accuracy,
        "deprived": 1,
        "clean": 1,
        "fork_budget": 20.0,
    }
    return critlab.ForkPlan(**{**given, **options})


def test_lightning_ends_with_the_same_bits(tmp_path: Path) -> None:
    lightning = pytest.importorskip("lightning.pytorch")
    from critlab.hooks.lightning import WatchCallback

    class Module(lightning.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.net = net()

        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = self.net(x)
            return found

        def training_step(self, batch: Any, place: int) -> Tensor:
            loss = nn.functional.cross_entropy(self(batch[0]), batch[1])
            self.log("loss", loss)
            return loss

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)
            return [optimizer], [torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.8)]

    def trained(callback: Any = None) -> dict[str, Any]:
        lightning.seed_everything(1, verbose=False)
        module = Module()
        loader: Any = torch.utils.data.DataLoader(images(), batch_size=16, shuffle=True)  # type: ignore[arg-type]
        quiet: dict[str, Any] = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
        trainer = lightning.Trainer(
            max_epochs=6,
            accelerator="cpu",
            accumulate_grad_batches=2,
            gradient_clip_val=1.0,
            enable_model_summary=False,
            callbacks=[callback] if callback else [],
            default_root_dir=tmp_path,
            **quiet,
        )
        trainer.fit(module, loader)
        return left(module, trainer.optimizers[0])

    callback = WatchCallback(forks=forks(), sidecar=tmp_path / "offered")
    plain, forked = trained(), trained(callback)
    assert callback.watch is not None
    assert not callback.watch.asides
    for part in plain:
        assert same(plain[part], forked[part]), part
    assert [one.onset for one in callback.watch.course.looks][:3] == [0, 1, 2]
    assert {path.name for path in (tmp_path / "offered").iterdir()} >= {"epoch-0.pt", "epoch-1.pt", "epoch-2.pt"}


def test_transformers_ends_with_the_same_bits(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    from critlab.hooks.transformers import WatchCallback

    rows = [{"input_ids": tokens, "labels": tokens} for tokens in torch.randint(20, (32, 6))]

    def score(model: Any) -> float:
        tokens = torch.stack([row["input_ids"] for row in rows])
        return float((model(input_ids=tokens).logits[:, :-1].argmax(-1) == tokens[:, 1:]).float().mean())

    def trained(callback: Any = None) -> dict[str, Any]:
        transformers.set_seed(1)
        config = transformers.GPT2Config(vocab_size=20, n_positions=8, n_embd=8, n_layer=1, n_head=2)
        arguments = transformers.TrainingArguments(
            output_dir=str(tmp_path),
            per_device_train_batch_size=8,
            gradient_accumulation_steps=2,
            num_train_epochs=5,
            report_to=[],
            save_strategy="no",
            use_cpu=True,
            disable_tqdm=True,
        )
        model = transformers.GPT2LMHeadModel(config)
        trainer = transformers.Trainer(model=model, args=arguments, train_dataset=rows)
        if callback:
            trainer.add_callback(callback)
        trainer.train()
        return left(model, trainer.optimizer)

    def shuffled(tokens: Tensor) -> Tensor:
        return tokens[:, torch.randperm(tokens.shape[1])]

    callback = WatchCallback(forks=forks(deficits=[shuffled], evaluate=score), sidecar=tmp_path / "offered")
    batches: list[int] = []
    step = callback._step
    callback._step = lambda args: (batches.append(len(callback._losses)), step(args))[1]  # type: ignore[func-returns-value, method-assign]
    plain, forked = trained(), trained(callback)
    assert callback.watch is not None
    assert not callback.watch.asides
    for part in plain:
        assert same(plain[part], forked[part]), part
    looks = callback.watch.course.looks
    assert [one.onset for one in looks][:2] == [0, 1]
    assert looks[0]["shuffled"].varies
    assert set(batches) == {2}, "losses of forks are not those of the training"
    assert (tmp_path / "offered" / "epoch-1.pt").is_file()


def plain_training(schedule: bool = True) -> TorchTraining:
    torch.manual_seed(4)
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    schedules = (torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5),) if schedule else ()
    loader: Any = torch.utils.data.DataLoader(images(), batch_size=16, shuffle=True)  # type: ignore[arg-type]

    def step(module: nn.Module, batch: Any, place: int) -> Tensor:
        return nn.functional.cross_entropy(module(batch[0]), batch[1])

    return TorchTraining(Parts(model, optimizer, schedules), loader, step, accuracy, each_epoch=[0] if schedule else [])


def test_a_copy_trains_as_the_training_itself_would() -> None:
    training = plain_training()
    untouched = copy.deepcopy(training.save(training.parts))
    copied = training.load(copy.deepcopy(training.save(training.parts)))
    ends = []
    for parts in (copied, training.parts):
        torch.manual_seed(9)
        ends.append([training.advance(parts, epoch, lambda inputs, labels: (inputs, labels)) for epoch in range(2)])
        if parts is copied:
            assert same(training.save(training.parts), untouched)
    assert ends[0] == ends[1]
    assert same(training.save(copied), training.save(training.parts))
    assert copied.optimizer.param_groups[0]["lr"] == pytest.approx(0.025)


class Listener:
    """Hears a model's forward passes, and cannot be copied."""

    def __init__(self) -> None:
        self.heard: list[nn.Module] = []

    def __deepcopy__(self, memo: dict[int, Any]) -> None:
        raise TypeError("cannot be copied")

    def hear(self, model: nn.Module, inputs: Any, output: Any) -> None:
        self.heard.append(model)


def test_listeners_are_not_copied_with_the_model() -> None:
    training, listener = plain_training(), Listener()
    training.parts.model.register_forward_hook(listener.hear)
    copied = training.load(copy.deepcopy(training.save(training.parts)))
    copied.model(torch.zeros(2, 6))
    assert listener.heard == [copied.model]


def test_planned_rates_are_those_of_the_schedule_and_leave_it() -> None:
    training = plain_training()
    before = copy.deepcopy(training.save(training.parts))
    assert training.rates(0, 4) == pytest.approx([0.1, 0.05, 0.025, 0.0125])
    assert training.rates(2, 4) == pytest.approx([0.1, 0.1, 0.1, 0.05])
    training.each_epoch = []
    assert training.rates(0, 3) == pytest.approx([0.1, 0.1 / 2**4, 0.1 / 2**8])
    assert same(training.save(training.parts), before)
    assert plain_training(schedule=False).rates(0, 2) == (0.1, 0.1)


def test_workers_that_stay_are_the_trainings_own() -> None:
    loader: Any = torch.utils.data.DataLoader(images(), num_workers=1, persistent_workers=True)  # type: ignore[arg-type]
    assert _own_iterator(loader) is loader
    running = object()
    object.__setattr__(loader, "_iterator", running)
    other = _own_iterator(loader)
    assert other is not loader
    assert other._iterator is None
    assert loader._iterator is running
    loader._iterator = None


def test_forks_in_an_own_loop_leave_the_bits() -> None:
    ends = []
    for plan in (None, forks(total=4)):
        training = plain_training()
        if plan is not None:
            known = {name: one for name, one in training.functions.items() if name != "evaluate"}
            plan = plan.fitted(**known)
            plan = critlab.ForkPlan(**{**vars(plan), "evaluate": training.score})
        watch = Watch(training.parts.model, forks=plan)
        for seed in (torch.manual_seed, np.random.seed, random.seed):
            seed(7)
        for epoch in range(4):
            watch.fork_if_due(training.parts, epoch)
            training.advance(training.parts, epoch, lambda inputs, labels: (inputs, labels))
        ends.append(left(training.parts.model, training.parts.optimizer))
        assert not watch.asides
    assert same(*ends)
    assert [one.onset for one in watch.course.looks] == [0, 1, 2]
