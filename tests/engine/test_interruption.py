"""Signals that ask a command to stop: one request may arrive several times."""

from __future__ import annotations

import signal

import pytest

from critlab.engine import interruption
from critlab.engine.interruption import INTERRUPTED, PREEMPTED, Interruption, StopAsked, Stoppable


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The exit statuses with which the command would have ended at once."""
    statuses: list[int] = []
    monkeypatch.setattr(interruption, "_end_at_once", statuses.append)
    return statuses


class TestAScheduler:
    """It signals every process of a job, and the job's script may pass the signal on."""

    @pytest.mark.parametrize("again", [signal.SIGTERM, signal.SIGHUP])
    def test_a_repeat_is_the_same_request_and_a_later_signal_ends_at_once(
        self, ended: list[int], monkeypatch: pytest.MonkeyPatch, again: int
    ) -> None:
        asked = Interruption()
        asked.ask(signal.SIGTERM)
        asked.ask(again)
        assert (asked.status, ended) == (PREEMPTED, [])
        monkeypatch.setattr(interruption, "ONE_REQUEST_SECONDS", 0.0)
        asked.ask(again)
        assert ended == [PREEMPTED]

    def test_before_and_after_training(self, ended: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
        asked = Stoppable()
        with pytest.raises(StopAsked):
            asked.ask(signal.SIGTERM)
        asked.ask(signal.SIGTERM)
        assert not ended
        monkeypatch.setattr(interruption, "ONE_REQUEST_SECONDS", 0.0)
        asked.ask(signal.SIGTERM)
        assert ended == [PREEMPTED]
        asked.close()


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_at_once_where_something_was_asked_before(ended: list[int], first: int) -> None:
    asked = Interruption()
    asked.ask(first)
    asked.ask(signal.SIGINT)
    assert ended == [INTERRUPTED if first == signal.SIGINT else PREEMPTED]
