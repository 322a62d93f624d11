"""The prime learning window: closed forms of its rule, groups of a watched model, and a study's sources in words."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from critlab import Watch
from critlab._core.errors import StudyError
from critlab.analysis.sources.prime_window import RULE, SOURCE, THRESHOLD, PrimeWindow, growth, prime_window
from critlab.analysis.sources.source_windows import prime_windows, source_windows
from critlab.analysis.tables.reading import read_results
from critlab.analysis.tables.results import Results
from critlab.analysis.tables.table import Outcome, Row
from critlab.hooks.watch.page.page import findings
from critlab.models import MODELS
from critlab.models.spec import ModelSpec
from critlab.report.text.figures.sources import windows_text
from critlab.store import Store
from critlab.study import Study
from inline import Inline


def seen(traces: Any, every: int = 1) -> PrimeWindow:
    """The window after exact readings of a function of the epoch, or of a list."""
    values = [float(value) for value in traces]
    return prime_window(range(0, every * len(values), every), values, [0.0] * len(values))


@pytest.mark.parametrize(("rate", "is_open"), [(0.0400, False), (0.0408, False), (0.0409, True), (-0.1, False)])
def test_exponential_growth_is_judged_by_its_rate(rate: float, is_open: bool) -> None:
    found = seen(np.exp(rate * np.arange(40)))
    assert found.open is is_open
    assert found.growth
    assert found.growth.value == pytest.approx(1 - math.exp(-rate))


def test_linear_growth_closes_where_the_closed_form_says() -> None:
    # M(t) = t - 4.5, hence the growth 1 / (t - 4.5), which is 0.04 at 29.5
    assert seen(range(30)) == PrimeWindow(True, 1.0, seen(range(30)).growth)
    assert (seen(range(60)).open, seen(range(60)).since) == (False, 30.0)
    sparse = prime_window([0, 8, 16, 24, 32, 40], [0.0, 8.0, 16.0, 24.0, 32.0, 40.0], [0.0] * 6)
    assert (sparse.open, sparse.since) == (False, 32.0), "interpolation is exact where the trace is linear"
    assert sparse.growth
    assert sparse.growth.value == pytest.approx(1 / 35.5)


def test_a_trace_that_rests_or_falls_keeps_no_window_open() -> None:
    assert (seen([2.0] * 5).open, seen([2.0] * 5).since) == (False, 1.0)
    assert seen([4.0, 3.0, 2.0]).name == "closed"


def test_a_window_may_open_again() -> None:
    traces = [1.0] * 15 + [1.5**k for k in range(1, 10)]
    assert seen(traces[:15]).name == "closed"
    again = seen(traces)
    assert (again.open, again.since) == (True, 15.0)


@pytest.mark.parametrize("traces", [[], [1.0], [0.0, 0.0, 0.0], [-1.0, -2.0], [1.0, math.nan]])
def test_nothing_is_said_where_nothing_can_be(traces: list[float]) -> None:
    assert seen(traces) == PrimeWindow()
    assert seen(traces).name == "unknown"


def test_within_the_first_epoch_nothing_is_said() -> None:
    assert prime_window([5, 10, 14], [1.0, 2.0, 3.0], [0.0] * 3, epoch=10) == PrimeWindow()
    assert prime_window([5, 10, 15], [1.0, 2.0, 3.0], [0.0] * 3, epoch=10).open


positive = st.lists(st.floats(0.1, 10), min_size=12, max_size=30)


@settings(max_examples=60, deadline=None)
@given(positive)
def test_from_eleven_epochs_on_the_growth_is_that_of_the_authors_code(traces: list[float]) -> None:
    late, early = sum(traces[-10:]) / 10, sum(traces[-11:-1]) / 10
    found = growth(range(len(traces)), traces, [0.0] * len(traces))
    assert found
    assert found.value == pytest.approx((late - early) / late, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(positive, st.floats(0.01, 100), st.integers(3, 500))
def test_the_window_knows_no_units(traces: list[float], scale: float, epoch: int) -> None:
    # just at the threshold, rounding decides
    values = [value + 0.01 * place for place, value in enumerate(traces)]
    plain = seen(values)
    steps = [place * epoch for place in range(len(values))]
    other = prime_window(steps, [scale * value for value in values], [0.0] * len(values), epoch=epoch)
    assert plain.growth
    assert other.growth
    assert other.growth.value == pytest.approx(plain.growth.value, abs=1e-9)
    if abs(plain.growth.value - THRESHOLD) > 1e-9:
        assert other.open == plain.open


@settings(max_examples=40, deadline=None)
@given(
    # binary fractions: sums of them are exact, so no reading lies beyond an end by rounding alone
    st.lists(
        st.tuples(st.integers(13, 192).map(lambda steps: steps / 64), st.floats(0.5, 5), st.floats(0, 0.2)),
        min_size=3,
        max_size=25,
    ),
)
def test_growth_and_its_error_by_brute_force(readings: list[tuple[float, float, float]]) -> None:
    steps, values, errors = (np.array(part) for part in zip(*readings, strict=True))
    at = np.cumsum(steps)
    found = growth(at.tolist(), values.tolist(), errors.tolist())

    def of(traces: Any) -> float:
        ends = [at[-1] - k for k in range(11)]
        late = [np.interp(end, at, traces) for end in ends[:10] if end >= at[0]]
        early = [np.interp(end, at, traces) for end in ends[1:] if end >= at[0]]
        return float(1 - np.mean(early) / np.mean(late))

    if at[-1] - 1 < at[0]:
        assert found is None
        return
    assert found
    assert found.value == pytest.approx(of(values), abs=1e-9)
    slopes = [(of(values + 1e-6 * row) - of(values - 1e-6 * row)) / 2e-6 for row in np.eye(len(at))]
    assert found.stderr == pytest.approx(float(np.linalg.norm(np.array(slopes) * errors)), abs=1e-6)


def test_an_unknown_error_leaves_that_of_the_growth_unknown_only_where_it_has_a_part() -> None:
    old = [math.inf, *[0.1] * 19]
    found = growth(range(20), [1.0 + k for k in range(20)], old)
    assert found
    assert math.isfinite(found.stderr)
    recent = growth(range(20), [1.0 + k for k in range(20)], old[::-1])
    assert recent
    assert recent.stderr == math.inf


class Towers(nn.Module):
    """Two towers of a single input each, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.audio = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4))
        self.audio_norm = nn.LayerNorm(4)
        self.video, self.head = nn.Linear(3, 4), nn.Linear(4, 3)

    def forward(self, audio: Tensor, video: Tensor) -> Tensor:
        return self.head(torch.relu(self.audio_norm(self.audio(audio)) + self.video(video)))


GROUPS = {"audio": ["audio", "audio_norm"], "video": "video"}


def looking(watch: Watch) -> Watch:
    """A watch that looks at every step, whatever that costs."""
    watch._ledger.allows = lambda cost: True  # type: ignore[method-assign]
    watch._ledger.owed = lambda cost: 0.0  # type: ignore[method-assign]
    return watch


def watched(steps: int = 60, **options: Any) -> tuple[nn.Module, Watch]:
    torch.set_num_threads(1)
    torch.manual_seed(1)
    model = Towers()
    moving = torch.optim.SGD(model.parameters(), lr=0.1)
    watch = looking(Watch(model, **options))
    for _ in range(steps):
        batch = torch.randn(16, 6), torch.randn(16, 3)
        loss = nn.functional.cross_entropy(model(*batch), torch.randint(3, (16,)))
        moving.zero_grad()
        loss.backward()
        moving.step()
        watch.step(batch)
    watch.close()
    return model, watch


@pytest.mark.slow
def test_a_groups_trace_is_the_sum_of_its_layers() -> None:
    plain, _ = watched()
    model, watch = watched(groups=GROUPS, epoch_steps=4)
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), model.parameters(), strict=True))
    assert len(watch.history) > 2
    for record in watch.history:
        inside = [record.layers[name] for name in ("audio.0", "audio.2", "audio_norm")]
        assert record.groups["audio"].value == pytest.approx(sum(one.value for one in inside))
        assert record.groups["audio"].stderr <= sum(one.stderr for one in inside) + 1e-12
        assert record.groups["video"] == record.layers["video"]
    steps = [record.step for record in watch.history]
    for name in GROUPS:
        traces = [record.groups[name] for record in watch.history]
        expected = prime_window(steps, [t.value for t in traces], [t.stderr for t in traces], epoch=4)
        assert watch.windows[name] == watch.history[-1].windows[name] == expected
        assert expected.open is not None


@pytest.mark.slow
def test_groups_reach_the_log_and_the_page(tmp_path: Path) -> None:
    records: list[Any] = []
    _, watch = watched(groups=GROUPS, epoch_steps=4, log=[tmp_path / "w.jsonl", records.append])
    line = json.loads((tmp_path / "w.jsonl").read_text().splitlines()[-1])
    window = watch.windows["audio"]
    assert window.growth
    assert line["groups"]["audio"]["prime_window"] == window.name
    assert line["groups"]["audio"]["prime_window_since"] == window.since
    numbers = records[-1].scalars()
    assert numbers["group/audio/growth"] == window.growth.value
    assert numbers["group/video/window_open"] == float(bool(watch.windows["video"].open))
    path = watch.report(tmp_path / "page.html")
    assert path
    text = path.read_text()
    assert f"The prime learning window: of audio it is {window.name} since step {window.since:,.0f}" in text
    assert "Prime learning window of each group" in text
    assert "Prime learning windows</h2>" in text, "the ribbon"
    bare = findings([replace(one, groups={}, windows={}) for one in records], "bare")
    assert not any("window" in line for line in bare.lines)
    assert bare.charts[0].key != "windows"


def test_of_a_frozen_group_nothing_is_said() -> None:
    model = Towers()
    model.video.requires_grad_(False)
    watch = looking(Watch(model, groups=GROUPS, epoch_steps=4))
    for _ in range(30):
        watch.step((torch.randn(16, 6), torch.randn(16, 3)))
    watch.close()
    assert watch.history[-1].groups["video"].value == 0
    assert watch.windows["video"] == PrimeWindow()
    assert watch.windows["audio"].open is not None


@pytest.mark.parametrize(
    ("groups", "epoch_steps", "text"),
    [
        ({"audio": "audio"}, None, "watch: epoch_steps: required where there are groups, but missing"),
        ({"audio": "audio"}, 0, "watch: epoch_steps: received 0; must be a whole number, at least 1"),
        (
            {"audio": "audoi"},
            4,
            "watch: groups.audio: no module with parameters, received 'audoi'; did you mean 'audio'?",
        ),
        ({"audio": "aud"}, 4, "(allowed: audio, audio_norm, head, video, audio.0, audio.2)"),
        ({"a": "audio", "b": ["video", "audio.2"]}, 4, "groups.b: received 'audio.2', which group 'a' has"),
        ({"a": []}, 4, "groups.a: received []; must be the name of a module, or a list of them"),
        ({"a": 3}, 4, "groups.a: received 3; must be the name of a module"),
        (["audio"], 4, "watch: groups: received list; must be a mapping"),
    ],
)
def test_groups_that_cannot_be_are_refused_in_words(groups: Any, epoch_steps: int | None, text: str) -> None:
    with pytest.raises(StudyError) as caught:
        Watch(Towers(), groups=groups, epoch_steps=epoch_steps)
    assert text in str(caught.value)


NEEDS_OPTIONS = {name for name in MODELS if any(one.is_required() for one in MODELS[name].model_fields.values())}
TWO_SOURCES = [
    name for name in MODELS if name not in NEEDS_OPTIONS and ModelSpec.model_validate({"name": name}).source_layers
]


def test_models_of_two_sources_say_which_layers_are_whose() -> None:
    assert TWO_SOURCES == ["split_resnet18", "two_tower", "two_stream_transformer"]
    assert ModelSpec.model_validate({"name": "critlab.models.mlp:build"}).source_layers == {}


@pytest.mark.parametrize("name", TWO_SOURCES)
def test_a_sources_layers_see_that_source_alone(name: str) -> None:
    spec = ModelSpec.model_validate({"name": name, "width": 4})
    model = spec.build((2, 1, 16, 16), 3).eval()
    given: dict[str, Tensor] = {}
    for source, layer in spec.source_layers.items():
        model.get_submodule(layer).register_forward_hook(lambda _, __, out, s=source: given.update({s: out.detach()}))
    torch.manual_seed(0)
    images = torch.randn(2, 2, 1, 16, 16)
    outputs = []
    for changed in ("", "A", "B"):
        shown = images.clone()
        if changed:
            shown[:, "AB".index(changed)] += 1
        model(shown)
        outputs.append(dict(given))
    first, a, b = outputs
    assert set(first) == {"A", "B"}
    assert torch.equal(first["A"], b["A"])
    assert torch.equal(first["B"], a["B"])
    assert not torch.equal(first["A"], a["A"])
    assert not torch.equal(first["B"], b["B"])


def study(**changes: Any) -> Study:
    return Study.read(
        {
            "name": "windows",
            "seeds": 2,
            "precision": "float32",
            "data": {"name": "two_view", "of": "sample", "train": 60, "test": 20},
            "model": {"name": "split_resnet18", "width": 1},
            "optimizer": {"name": "sgd", "lr": 0.05, "batch": 30},
            "deficit": {"name": "blank", "source": "B"},
            "sweep": {"kind": "removal", "at": [0, 2], "recovery": 2},
            "statistics": {"final_epochs": 1},
            "measures": {"fisher_trace": {"every": 1, "images": 20}},
            **changes,
        },
        "study.toml",
    )


def known(made: Study) -> Results:
    """A's trace grows by a tenth an epoch; B's rests in the first seed and grows like A's in the second."""
    rows, outcomes = [], []
    for run in made.runs:
        for seed in made.seeds:
            outcomes.append(Outcome(run, seed, "done", run.total))
            place = (
                run.identifier(seed),
                run.arm,
                seed,
                run.treatment_label,
                run.window.start,
                run.window.stop,
                run.clock,
            )
            for epoch in range(run.total + 1):
                rows.append(Row(*place, epoch, "test_accuracy", "", 0.5, 0.0))
                grown = 1.1**epoch
                traces = {"pathway_a.stem.conv": grown, "pathway_a.x": grown, "pathway_b": grown if seed else 1.0}
                traces |= {"pathway_bb": 99.0, "": 3.0, "trunk.x": 1.0}
                rows += [Row(*place, epoch, "fisher_trace", layer, t, 0.01) for layer, t in traces.items()]
    return Results(made, tuple(rows), tuple(outcomes))


def test_a_studys_sources_in_words() -> None:
    made = known(study())
    found_windows = prime_windows(made)
    assert found_windows is not None
    assert found_windows in made.verdict().notes
    note = windows_text(found_windows)
    assert note.startswith(f"Prime learning window of each source ({RULE}; {SOURCE}). control: source A ")
    mixed = "closed by epoch 1 in 1 of 2 seeds and open at the end in 1 of 2 seeds"
    said = f"source A open at the end in 2 of 2 seeds, source B {mixed}"
    assert note.endswith(f"control: {said}; blank at 2: {said}.")
    assert note in made.verdict().lines()
    found = source_windows(made, made.study.runs[-1])
    assert found["A"][0] == seen_with(2 * 1.1 ** np.arange(5), 0.02)
    assert prime_windows(known(study(measures={}))) is None
    mlp = study(model={"name": "mlp", "hidden": [2]})
    assert prime_windows(known(mlp)) is None


def seen_with(traces: Any, error: float) -> PrimeWindow:
    return prime_window(range(len(traces)), list(traces), [error] * len(traces))


@pytest.mark.slow
def test_a_run_on_the_images_that_ship(tmp_path: Path) -> None:
    made, store = study(seeds=1), Store(tmp_path)
    Inline(made, store).run()
    results = read_results(made, store)
    assert {outcome.status for outcome in results.outcomes} == {"done"}
    for run in made.runs:
        windows = source_windows(results, run)
        assert {source: set(found) for source, found in windows.items()} == {"A": {0}, "B": {0}}
        assert all(window.open is not None for found in windows.values() for window in found.values())
    found = prime_windows(results)
    assert found is not None
    note = windows_text(found)
    assert "control: source A" in note
    assert "blank at 2: source A" in note
    assert found in results.verdict().notes
