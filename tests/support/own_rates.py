"""Schedules of a user's own as functions of (epoch, step, total)."""

from __future__ import annotations

import random


def linear(epoch: int, step: int, total: int) -> float:
    return 1 - step / total


def halves(epoch: int, step: int, total: int) -> float:
    return 1.0 if 2 * step < total else 0.5


def negative(epoch: int, step: int, total: int) -> float:
    return -1.0


def fails(epoch: int, step: int, total: int) -> float:
    raise RuntimeError("no such rate")


def draws(epoch: int, step: int, total: int) -> float:
    return random.random()


def fails_late(epoch: int, step: int, total: int) -> float:
    if epoch == 2:
        raise RuntimeError("no such epoch")
    return 1.0


FACTOR = 2.0
