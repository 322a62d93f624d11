"""Trainings of a bench whose truth is known: forks show twice the lasting damage, and the loss shows nothing."""

from __future__ import annotations

import numpy as np

from critlab.bench.trainings import SIGNALS, BenchTraining

SEEDS, LENGTH, ONSETS = 10, 16, (0, 1, 2, 3, 4, 6, 8)
DEFICITS = ("blur", "noise", "random_labels")


def planted_training(number: int, noise: float = 0.002, length: int = LENGTH) -> BenchTraining:
    """One training: damage falls with the onset for blur, grows for noise, and stays for random labels."""
    random = np.random.default_rng(number)
    damage = np.zeros((len(ONSETS), 5))
    damage[:, 0] = 0.2 * np.exp(-np.array(ONSETS) / 3)
    damage[:, 1] = 0.01 * np.array(ONSETS)
    damage[:, 2] = 0.15
    damage *= random.uniform(0.8, 1.2)

    def noisy(values: np.ndarray) -> np.ndarray:
        return (values + noise * random.normal(size=values.shape)).astype(np.float32)

    clean = 0.8
    arrays = {name: random.uniform(0.5, 1, (length + 1, SEEDS)).astype(np.float32) for name in SIGNALS}
    arrays["fisher"] = random.uniform(0.5, 1, (length + 1, SEEDS, 2)).astype(np.float32)
    arrays["test_accuracy"] = np.full((length + 1, SEEDS), clean, np.float32)
    arrays["ends"] = noisy(clean - damage[:, :, None, None] * np.ones((1, 1, 2, SEEDS)))
    forks = clean - 2 * damage[:, :, None, None, None, None] * np.ones((1, 1, 3, 3, 2, SEEDS))
    arrays["readings"] = noisy(forks)
    matched = np.stack([*[damage[:, place] for place in range(3)], np.zeros(len(ONSETS)), np.zeros(len(ONSETS))], 1)
    arrays["matched"] = noisy(clean - matched[:, :, None, None] * np.ones((1, 1, 2, SEEDS)))
    arrays["newborn"] = np.full((2, SEEDS), 0.7, np.float32)
    facts = {
        "name": f"planted-{number}",
        "length": length,
        "held_out": number % 3 == 0,
        "seeds": list(range(SEEDS)),
        "onsets": list(ONSETS),
        "deficits": list(DEFICITS),
        "window": 4,
        "deprived": [1, 2, 4],
        "clean": 3,
        "recovery": 8,
        "rates": [0.1 * (1 - epoch / length) for epoch in range(length)],
    }
    return BenchTraining(facts, arrays)
