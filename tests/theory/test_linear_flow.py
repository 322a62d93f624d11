"""The reduced dynamics: conserved quantities, the authors' phase runs, both conventions, the inverse of K(p)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from critlab._core.errors import StudyError
from critlab.theory.linear import Gate, flow_field, mode_strength, odd_layer, pathway_flow

DRAWS = 100
LARGE = {  # depth: early mean, its s.d., late mean, its s.d.
    2: (5.689, 0.070, 5.528, 0.077),
    5: (8.227, 0.173, 5.073, 0.501),
    8: (9.113, 0.110, 4.989, 0.961),
    13: (9.554, 0.063, 4.983, 1.549),
}
SMALL = {2: (6.819, 3.181), 3: (8.375, 1.625), 4: (9.024, 0.976)}


def phase(depth: int, windows: list[tuple[int, int]], record: list[int] | None = None) -> torch.Tensor:
    """K_a of the large-init phase runs, ``(recorded, windows, draws)``, and K_b."""
    starts = 0.01 * torch.randn(2, len(windows), DRAWS, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    found = pathway_flow(
        [10.0],
        depth,
        start_a=starts[0].reshape(-1, 1),
        start_b=starts[1].reshape(-1, 1),
        invariant=1.0,
        step=0.001,
        gates=[[Gate("b", *window)] for window in windows for _ in range(DRAWS)],
        convention="producing",
        record=record or [-1],
    )
    return torch.stack([found.a, found.b])[..., 0].reshape(2, -1, len(windows), DRAWS)


@pytest.mark.parametrize("depth", list(LARGE))
def test_large_init_phase_portrait(depth: int) -> None:
    early, _, late, spread = LARGE[depth]
    a, b = phase(depth, [(0, 15), (100, 115)])[:, 0]
    assert float(a[0].mean()) == pytest.approx(early, abs=0.08)
    assert float(a[1].mean()) == pytest.approx(late, abs=4 * spread / DRAWS**0.5)
    assert bool((a[0] > b[0]).all())
    assert torch.allclose(a + b, torch.full_like(a, 10), atol=1e-4)
    if depth >= 5:
        assert 0.3 < float((a[1] > b[1]).double().mean()) < 0.7


@pytest.mark.parametrize(("depth", "sums"), [(2, 2.81), (3, 4.85), (4, 8.06), (5, 9.78)])
def test_late_is_relative(depth: int, sums: float) -> None:
    """At state 100 shallow networks have not learned yet, so that "late" still costs b something."""
    found = phase(depth, [(0, 0), (400, 415)], record=[100, -1])
    assert float(found[:, 0, 0].sum(0).mean()) == pytest.approx(sums, abs=0.05)
    starts = 0.01 * torch.randn(DRAWS, 1, generator=torch.Generator().manual_seed(8), dtype=torch.float64)
    means = []
    for gates in ((), [Gate("b", 400, 415)]):
        run = pathway_flow(
            [10.0], depth, start_a=starts, start_b=starts.flip(0), invariant=1.0, step=0.001, gates=gates,
            convention="producing", record=[-1],
        )  # fmt: skip
        means.append(float(run.a.mean()))
    cost = means[1] - means[0]
    assert cost == pytest.approx(0.004, abs=0.002) if depth == 2 else abs(cost) < 1e-3


def test_late_window_still_costs_most_at_depth_3() -> None:
    a, b = phase(3, [(100, 115)])[:, 0]
    assert float(a.mean()) == pytest.approx(5.93, abs=0.06)
    assert bool((a > b).all())


@pytest.mark.slow
@pytest.mark.parametrize("depth", [2, 3, 4])
def test_small_init_phase_portrait(depth: int) -> None:
    """The sum passes 9 at state 76, 2006 and 200010: no need for the authors' million states."""
    steps = {2: 1000, 3: 6000, 4: 210000}[depth]
    run: dict[str, Any] = {"start_a": 0.005, "start_b": 0.005, "step": 0.01, "convention": "producing"}
    early = pathway_flow([10.0], depth, steps=steps, gates=[Gate("b", 0, 5)], record=[-1], **run)
    assert float(early.a) == pytest.approx(SMALL[depth][0], abs=1e-3)
    assert float(early.b) == pytest.approx(SMALL[depth][1], abs=1e-3)
    late = pathway_flow([10.0], depth, steps=10**6, gates=[Gate("b", 500000, 510000)], record=[0, -1], **run)
    assert abs(float(late.a[-1]) - 5) < 1e-12
    assert float(late.a[0]) == pytest.approx(0.005**depth)


@pytest.mark.parametrize(("depth", "state"), [(2, 76), (3, 2006)])
def test_small_init_first_passes_nine(depth: int, state: int) -> None:
    run = pathway_flow([10.0], depth, start_a=0.005, start_b=0.005, steps=3000, gates=[Gate("b", 0, 5)],
                       convention="producing")  # fmt: skip
    assert int(((run.a + run.b)[:, 0, 0] > 9).nonzero()[0]) == state


def test_conventions_differ_by_one_update_from_zero_only() -> None:
    ratios = []
    for convention in ("producing", "before"):
        run = pathway_flow([10.0], 2, start_a=0.005, start_b=0.005, gates=[Gate("b", 0, 5)], convention=convention)
        ratios.append(float(run.a[-1] / run.b[-1]))
    assert ratios[0] == pytest.approx(1.1**8, abs=1e-3)
    assert ratios[1] == pytest.approx(1.1**10, abs=1e-3)
    shifted = pathway_flow([10.0], 2, start_a=0.005, start_b=0.005, gates=[Gate("b", 6, 11)], convention="producing")
    plain = pathway_flow([10.0], 2, start_a=0.005, start_b=0.005, gates=[Gate("b", 5, 10)])
    assert torch.equal(shifted.a, plain.a)


def conserved(p: torch.Tensor, depth: int, invariant: float) -> torch.Tensor:
    """The quantity whose difference between the pathways only a window changes, and then by the integral I."""
    if invariant == 0:
        return p.log() if depth == 2 else -(p ** (2 - depth)) / (depth - 2)
    return {2: torch.asinh, 3: torch.atan}[depth](p)


starts = st.floats(0.05, 0.6)


@settings(max_examples=25, deadline=None)
@given(
    case=st.sampled_from([(0.0, 2), (0.0, 3), (0.0, 4), (0.0, 6), (1.0, 2), (1.0, 3)]),
    p=st.tuples(starts, starts),
    strength=st.floats(1.0, 6.0),
    window=st.tuples(st.integers(0, 400), st.integers(0, 200)),
)
def test_conserved_outside_the_window_and_raised_by_the_integral_in_it(
    case: tuple[float, int], p: tuple[float, float], strength: float, window: tuple[int, int]
) -> None:
    (invariant, depth), (onset, length), step = case, window, 1e-4
    gate = Gate("b", onset, onset + length)
    run = pathway_flow(
        [strength], depth, start_a=p[0], start_b=p[1], invariant=invariant, step=step, steps=800, gates=[gate]
    )
    layers = [torch.from_numpy(odd_layer(k[:, 0, 0].numpy(), depth, invariant)) for k in (run.a, run.b)]
    between = conserved(layers[0], depth, invariant) - conserved(layers[1], depth, invariant)
    residual = (strength - run.a - run.b)[:, 0, 0]
    raised = between[0] + step * torch.cumsum(torch.where(in_window(gate, 800), residual, 0), 0)
    scale = 1 + between.abs().max()
    assert float((between[1:] - raised[:-1]).abs().max()) < 0.01 * float(scale)


def in_window(gate: Gate, states: int) -> torch.Tensor:
    index = torch.arange(states)
    return (index >= gate.start) & (index < gate.stop)


@settings(max_examples=60, deadline=None)
@given(depth=st.integers(1, 15), invariant=st.sampled_from([0.0, 0.3, 1.0, 4.0]), logarithm=st.floats(-12, 13))
def test_odd_layer_inverts_the_mode_strength(depth: int, invariant: float, logarithm: float) -> None:
    k = np.array([10.0**logarithm, 0.0, -(10.0**logarithm)])
    back = mode_strength(odd_layer(k, depth, invariant), depth, invariant)
    assert np.allclose(back, k, rtol=1e-11, atol=0)


@pytest.mark.parametrize("depth", [1, 2, 3, 5, 13])
@pytest.mark.parametrize("invariant", [0.0, 1.0])
def test_field_is_the_velocity_of_the_flow(depth: int, invariant: float) -> None:
    p = np.array([0.4, 0.9])
    velocities = flow_field(10.0, depth, *mode_strength(p, depth, invariant), invariant)  # type: ignore[call-arg]
    step = 1e-6 / max(1.0, *(abs(float(velocity)) for velocity in velocities))
    run = pathway_flow([10.0], depth, start_a=p[0], start_b=p[1], invariant=invariant, step=step, steps=2)
    for k, velocity in zip((run.a, run.b), velocities, strict=True):
        assert float(k[1] - k[0]) / step == pytest.approx(float(velocity), rel=1e-3)
    assert all(np.isfinite(part).all() for part in flow_field(10.0, depth, np.zeros(2), np.array([0.0, 10]), invariant))


def test_a_batch_equals_its_runs_one_by_one() -> None:
    p = 0.2 + torch.rand(3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    gates = [[Gate("b", 0, 20)], [Gate("a", 5, 30), Gate("b", 40, 50)], []]
    batch = pathway_flow([3.0, 2.0], 4, start_a=p, start_b=p.flip(0), gates=gates, steps=200)
    assert batch.a.shape == (200, 3, 2)
    for run in range(3):
        alone = pathway_flow(
            [3.0, 2.0], 4, start_a=p[run : run + 1], start_b=p.flip(0)[run : run + 1], gates=gates[run], steps=200
        )
        assert torch.equal(alone.a[:, 0], batch.a[:, run])


def test_recorded_states_are_those_of_the_whole_trajectory() -> None:
    whole = pathway_flow([3.0], 3, start_a=0.3, start_b=0.2, steps=5000, step=0.01)
    some = pathway_flow([3.0], 3, start_a=0.3, start_b=0.2, steps=5000, step=0.01, record=[-1, 0, 17, 17, 2000])
    assert some.states.tolist() == [4999, 0, 17, 17, 2000]
    assert torch.equal(some.a, whole.a[some.states])


def test_euler_error_halves_with_the_step() -> None:
    ends = []
    for halvings in (0, 1, 8):
        parts = 2**halvings
        run = pathway_flow([4.0], 3, start_a=0.4, start_b=0.3, step=0.01 / parts, steps=30 * parts + 1, record=[-1])
        ends.append(float(run.a))
    assert (ends[1] - ends[2]) / (ends[0] - ends[2]) == pytest.approx(0.5, abs=0.05)


def test_negative_starts_keep_their_sign() -> None:
    run = pathway_flow([10.0], 5, start_a=-0.3, start_b=0.1, invariant=1.0, step=0.001, steps=3)
    assert float(run.a[0]) == pytest.approx(-0.3 * (0.09 + 1) ** 2)
    with pytest.raises(StudyError, match=r"start: received -0\.3"):
        pathway_flow([10.0], 5, start_a=-0.3, start_b=0.1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"convention": "after"}, "convention"),
        ({"record": [1000]}, "record"),
        ({"record": [1.5]}, "record"),
        ({"invariant": -1.0}, "invariant"),
        ({"step": 0.0}, "step: received 0.0"),
        ({"start_a": np.ones((3, 2))}, "start_a: received shapes"),
        ({"start_a": [float("inf")]}, "start_a"),
        ({"strengths": np.ones((1, 1, 1))}, "strengths"),
    ],
)
def test_a_mistake_is_named(arguments: dict[str, object], message: str) -> None:
    raw: dict[str, Any] = {"strengths": [1.0, 2.0, 3.0], "start_a": 0.1, "start_b": 0.1, **arguments}
    with pytest.raises(StudyError, match=message):
        pathway_flow(raw.pop("strengths"), 3, **raw)
