"""What a watch cannot do it says once, and leaves: the training goes on, whatever fails."""

from __future__ import annotations

import builtins
import errno
import json
import random
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from critlab._core.errors import StudyError
from critlab.hooks.watch import Watch
from critlab.hooks.watch.records.record import Record
from critlab.hooks.watch.sums.weights_in_motion import clipped
from watched_trainings import always, same, trained


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


X, Y = torch.randn(6, 5, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2, 0, 1, 2])


class Fragile(nn.Module):
    """Breaks in evaluation mode, from a given call on."""

    def __init__(self, calls: int, error: BaseException | None = None) -> None:
        super().__init__()
        self.net, self.calls = nn.Linear(5, 3), iter(range(calls))
        self.error = error or RuntimeError("no evaluation mode here")

    def forward(self, x: Tensor) -> Tensor:
        if not self.training and next(self.calls, None) is None:
            raise self.error
        return self.net(x)


def loss(model: nn.Module, batch: Any) -> Tensor:
    return nn.functional.cross_entropy(model(batch), Y)


@pytest.mark.parametrize("calls", [0, 1, 9])
def test_a_look_that_fails_is_said_once(calls: int) -> None:
    plain, _ = trained(lambda: Fragile(calls), X, loss, watched=False)
    with pytest.warns(UserWarning, match="no evaluation mode here") as said:
        seen, watch = trained(lambda: Fragile(calls), X, loss, watched=True)
    assert all(same(plain[part], seen[part]) for part in plain)
    assert len(said) == 1
    assert watch is not None
    assert list(watch.asides) == ["looks"]


def test_an_interrupt_is_no_failure_and_leaves_the_model_as_it_was() -> None:
    model = Fragile(5, KeyboardInterrupt()).train()
    before = torch.get_rng_state(), random.getstate(), np.random.get_state(legacy=False)["state"]["key"].tolist()
    watch = always(Watch(model, budget=1.0))
    for _ in range(2):
        watch.step(X)
    with pytest.raises(KeyboardInterrupt):
        watch.step(X)
    assert model.training
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1:] == (random.getstate(), np.random.get_state(legacy=False)["state"]["key"].tolist())


def test_warnings_that_are_errors_do_not_end_it(caplog: pytest.LogCaptureFixture) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trained(lambda: Fragile(3), X, loss, watched=True)
    assert "no evaluation mode here" in caplog.text


def net() -> nn.Module:
    return nn.Linear(5, 3)


def test_writers_that_fail_are_left_and_the_others_go_on(tmp_path: Path) -> None:
    called: list[int] = []

    def broken(record: Record) -> None:
        called.append(record.step)
        raise ConnectionError("no server")

    with pytest.warns(UserWarning, match="no server") as said:
        _, watch = trained(net, X, loss, watched=True, steps=60, log=[broken, tmp_path / "w.jsonl"])
    assert watch is not None
    assert len(watch.history) >= 6
    assert len(called) == 3, "tried some times, then left"
    assert len(said) == 1
    assert len((tmp_path / "w.jsonl").read_text().splitlines()) == len(watch.history)


def test_a_full_disk_leaves_whole_lines_and_the_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, full = tmp_path / "w.jsonl", [True]
    path.write_text('{"step": 1}\n{"st')  # what a process left that was killed while it wrote
    real = builtins.open

    class Disk:
        def __init__(self, file: Any) -> None:
            self.file = file

        def __enter__(self) -> Disk:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

        def write(self, data: Any) -> int:
            if full[0]:
                self.file.write(bytes(data)[:5])
                raise OSError(errno.ENOSPC, "No space left on device")
            return int(self.file.write(data))

    monkeypatch.setattr(
        Path, "open", lambda self, *a, **k: Disk(real(self, *a, **k)) if "ab" in a else real(self, *a, **k)
    )

    def between(model: nn.Module, step: int) -> None:
        full[0] = step < 15

    with pytest.warns(UserWarning, match="No space left"):
        _, watch = trained(net, X, loss, watched=True, steps=60, between=between, log=path)
    assert watch is not None
    lines = path.read_text().splitlines()
    assert lines[:2] == ['{"step": 1}', '{"st']
    assert [json.loads(line)["step"] for line in lines[2:]] == [one.step for one in watch.history if one.step > 15]


def test_a_log_that_is_a_folder_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="folder"):
        Watch(net(), log=tmp_path)


def test_a_page_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    _, watch = trained(net, X, loss, watched=True)
    assert watch is not None
    (tmp_path / "file").write_text("")
    with pytest.warns(UserWarning, match="page"):
        assert watch.report(tmp_path / "file" / "page.html") is None


def test_losses_and_inputs_that_change_their_kind_later_are_left() -> None:
    watch = always(Watch(net(), budget=1.0))
    watch.step(X, 1.0)
    with pytest.warns(UserWarning, match="must be one number"):
        watch.step(X, torch.zeros(3))
    for _ in range(12):
        watch.step("text", 1.0)  # type: ignore[arg-type]
    assert watch.history


def test_numbers_that_are_not_finite_can_be_logged(tmp_path: Path) -> None:
    _, watch = trained(net, X, loss, watched=True)
    assert watch is not None
    record = watch.history[0]
    broken = Record(
        **{**vars(record), "trace": type(record.trace)(float("inf"), float("nan")), "movement": float("nan")}
    )
    json.dumps(broken.document(), allow_nan=False)
    assert "trace" not in broken.scalars()


def test_clipping_in_a_loop_of_ones_own_is_named_or_avoided() -> None:
    def clipping(read: bool) -> Watch:
        torch.manual_seed(0)
        model = net()
        moving = torch.optim.SGD(model.parameters(), lr=0.01)
        watch = always(Watch(model, budget=1.0, optimizer=moving))
        for _ in range(12):
            moving.zero_grad()
            found = loss(model, torch.randn(6, 5))
            found.backward()
            if read:
                watch.gradients()
            nn.utils.clip_grad_norm_(model.parameters(), 0.05)
            moving.step()
            watch.step(X, found)
        return watch

    after, before = clipping(False), clipping(True)
    assert after.history[0].gradient_clipped
    assert after.signals["gradient_norm_after_clipping"].value == pytest.approx(0.05, rel=1e-3)
    assert "gradient_norm" not in after.signals
    assert not before.history[0].gradient_clipped
    assert before.signals["gradient_norm"].value > 0.3
    assert before.signals["lr"].value == 0.01


@pytest.mark.parametrize(
    ("norms", "limit", "is_clipped"),
    [
        ([1.0, 0.9999996, 0.73, 0.9], None, True),
        ([0.9, 0.8123456, 0.73, 1.1], None, False),
        ([0.8123456, 0.8123456, 0.8123456, 0.8123456], None, False),
        ([0.3, 0.2, 0.4999, 0.1], 0.5, True),
        ([0.3, 0.2, 0.4, 0.1], 0.5, False),
    ],
)
def test_which_norms_were_clipped(norms: list[float], limit: float | None, is_clipped: bool) -> None:
    assert clipped(norms, limit) == is_clipped
