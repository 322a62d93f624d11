"""What a training step and an epoch cost, on this machine and now."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import torch

from critlab._core.threads import one_thread
from critlab.data.image_set import ImageSet
from critlab.study.ingredients.measurement import Measurement, options_of, scheduled_measures
from critlab.study.runs.origin import WORTH, Numerics
from critlab.study.runs.recipe import Recipe, typical_recipe
from critlab.study.runs.tree import build
from critlab.study.study import Setup, Study
from critlab.training.device import make_deterministic
from critlab.training.learner import NetworkLearner
from critlab.training.states.network_state import NetworkState

PRECISIONS = ("float32", "bfloat16")
REPEATS = 5
TIMED_STEPS = 4
"""Of an epoch; one more comes before them, which also pays for what is set up once."""
FEWEST, CLEAR = 2, 1.2
"""After two rounds a ratio that is so many times above or below what decides needs no third: at width 96 a round took
two seconds."""
HOPELESS, LONG_SECONDS = 3.0, 5.0
"""A first step in bfloat16 so many times slower than in float32, and so long, ends the timing: without the instructions
for it bfloat16 was 13 times slower, and six such steps of a large model would cost minutes for nothing."""


def step_seconds(base: Setup, images: ImageSet, recipe: Recipe, device: str = "cpu") -> dict[str, float]:
    """Seconds that a step takes an image in float32 and in bfloat16: the median of interleaved repeats.

    The step is a whole one: batch, augmentation, deficit, forward, backward, optimiser. On a CPU it is the processor
    time of one thread, so that other work on the machine changes little.

    Args:
        base: data, model, optimiser and augmentation.
        images: the images that ``base`` names.
        recipe: what is done to them; its learning rate is replaced, so that nothing can diverge.
        device: where.

    Raises:
        Whatever the model, the deficit or the optimiser raises.

    Cost: three to six steps in each precision.
    """
    clock = _clock(device)
    still = replace(recipe, lr=0.0)
    if device == "cuda":
        make_deterministic()
    with one_thread():
        steps = [_step(base, images, Numerics(precision=name), still, device) for name in PRECISIONS]
        # the first step of each also pays for what is set up once
        found = [_timed(step, clock) for step in steps]
        if found[1] < max(LONG_SECONDS, HOPELESS * found[0]):
            rounds: list[list[float]] = []
            while len(rounds) < REPEATS and not _clear(rounds):
                rounds.append([_timed(step, clock) for step in steps])
            found = [median(times) for times in zip(*rounds, strict=True)]
    return {name: seconds / base.optimizer.batch for name, seconds in zip(PRECISIONS, found, strict=True)}


def epoch_seconds(study: Study, images: ImageSet, numerics: Numerics) -> float:
    """Worker-seconds of one epoch with its measurements, from a few timed steps.

    Args:
        study: whose training is timed, in the last run that has a deficit or a switch.
        images: the study's images.
        numerics: how numbers are computed.
    """
    with one_thread():
        learner = NetworkLearner(study, images, numerics)
        whole, state = learner.length, learner.start({"seed": study.seeds[0]})
        recipe = typical_recipe(study.runs, study)

        def an_image(steps: int) -> float:
            learner.length = min(steps * study.optimizer.batch, whole)
            return _timed(lambda: learner.advance(state, recipe, 0), time.perf_counter) / learner.length

        an_image(1)
        seconds = an_image(TIMED_STEPS) * whole
        learner.length = whole
        often, epochs = _often(study)
        return seconds + sum(_reading(learner, state, study, recipe, name) * often[name] / epochs for name in often)


def _often(study: Study) -> tuple[Counter[str], int]:
    """How often each measure is read in the runs of one seed, and how many epochs these have."""
    tree = build(study)
    return Counter(name for node in tree.nodes.values() for name in scheduled_measures(study, node)), tree.epochs


def _reading(learner: NetworkLearner, state: NetworkState, study: Study, recipe: Recipe, name: str) -> float:
    """Seconds of one measure."""
    spec = Measurement(name, options_of(study, name), recipe)
    return _timed(lambda: learner.measure(state, spec), time.perf_counter)


def _clear(rounds: list[list[float]]) -> bool:
    """Whether further rounds would only cost time: the least and the largest ratio are on one side, far from it."""
    ratios = [plain / coarse for plain, coarse in rounds]
    return len(ratios) >= FEWEST and (min(ratios) > CLEAR * WORTH or max(ratios) < WORTH / CLEAR)


def _step(base: Setup, images: ImageSet, numerics: Numerics, recipe: Recipe, device: str) -> Callable[[], object]:
    learner = NetworkLearner(base, images, numerics, device)
    learner.length = base.optimizer.batch
    state = learner.start({"seed": 0})
    return lambda: learner.advance(state, recipe, 0)


def _timed(step: Callable[[], object], clock: Callable[[], float]) -> float:
    began = clock()
    step()
    return clock() - began


def _clock(device: str) -> Callable[[], float]:
    """Processor time of this process, or, on a GPU, the time at which all that was asked of it is done."""
    if device == "cpu":
        return time.process_time

    def when_done() -> float:
        torch.cuda.synchronize()
        return time.perf_counter()

    return when_done
