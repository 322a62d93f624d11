"""Public names: each package has one list of them, type checkers read it, and earlier names still work."""

from __future__ import annotations

import subprocess
import sys
import warnings
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import critlab
import critlab.deficits
import critlab.hooks.deprivation
import critlab.measures
import critlab.models
from critlab import kernels, linear, measures

SOURCE = Path(critlab.__file__).parents[1]
USER = """import critlab
from critlab import kernels, linear, measures
reveal_type((critlab.Watch, critlab.measures.fisher_trace, critlab.models.MLP, kernels.Solver, linear.complete_matrix))
reveal_type((measures.total, measures.MEASURES, critlab.linear.Gate, critlab.deficits.Blur, critlab.papers))
critlab.measures.fisher_tracer
"""
EARLIER = {
    critlab: {
        "Background": "critlab.study:BackgroundDeficit",
        "Base": "critlab.study:Setup",
        "Switch": "critlab.study:WindowOverride",
        "curvature": "critlab.measures:hessian_top_eigenvalue",
        "dead_units": "critlab.measures.units.dead_units:dead_units",
        "effective_rank": "critlab.measures.units.effective_rank:effective_rank",
        "fisher_empirical": "critlab.measures.fisher.empirical:fisher_empirical",
        "fisher_log_determinant": "critlab.measures.fisher.log_determinant:fisher_log_determinant",
        "fisher_noise": "critlab.measures.fisher.noise:fisher_noise",
        "gradient_covariance": "critlab.measures.gradients.covariance:gradient_covariance",
        "gradients": "critlab.measures:gradient_moments",
        "harm": "critlab.hooks.own_loop.lasting_damage:lasting_damage",
        "partial_information": "critlab.measures.units.partial_information:partial_information",
        "removal": "critlab.study:removal",
        "total": "critlab.measures.estimates:total",
        "usable_information": "critlab.measures.units.usable_information:usable_information",
        "windows": "critlab.study:windows",
    },
    critlab.deficits: {
        "Draws": "critlab.deficits:BatchContext",
        "Noise": "critlab.deficits:WhiteNoise",
        "kept": "critlab.deficits:kept_mask",
        "suffer": "critlab.deficits:apply_deficit",
    },
    critlab.hooks.deprivation: {
        "Deprivation": "critlab.hooks.deprivation:BatchDeficit",
        "Knowledge": "critlab.hooks.deprivation:DataInfo",
    },
    critlab.measures: {
        "FisherTraceOptions": "critlab.measures:FisherTrace",
        "WeightsOptions": "critlab.measures:Weights",
    },
    critlab.models: {"MLPOptions": "critlab.models:MLP", "ResNet18Options": "critlab.models:ResNet18"},
}


@pytest.mark.slow
@pytest.mark.parametrize("package", [critlab, measures, critlab.theory.kernels, critlab.theory.linear])
def test_each_name_of_a_stub_is_there_and_listed(package: ModuleType) -> None:
    names = [line.split()[-1] for line in stub(package).splitlines() if " as " in line]
    assert names
    assert set(names) <= set(package.__all__)
    assert set(names) <= set(dir(package))
    assert all(getattr(package, name) is not None for name in names)
    with pytest.raises(AttributeError, match=f"'{package.__name__}' has no attribute 'nothing'"):
        _ = package.nothing


def test_short_names_of_the_theories_are_those_of_their_packages() -> None:
    for short, package in ((kernels, critlab.theory.kernels), (linear, critlab.theory.linear)):
        assert short.__all__ == package.__all__
        assert all(getattr(short, name) is getattr(package, name) for name in short.__all__)
        assert set(package.__all__) <= set(dir(short))


@pytest.mark.parametrize("package", EARLIER)
def test_earlier_names_give_the_present_objects_without_a_warning(package: ModuleType) -> None:
    for name, place in EARLIER[package].items():
        module, _, present = place.partition(":")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert getattr(package, name) is getattr(import_module(module), present), name
        assert name not in getattr(package, "__all__", ())


def test_the_table_lists_every_earlier_name() -> None:
    assert set(vars(critlab)["_EARLIER"]) == set(EARLIER[critlab])
    assert set(critlab.deficits._EARLIER) == set(EARLIER[critlab.deficits])


@pytest.mark.slow
def test_a_type_checker_knows_every_public_name(tmp_path: Path) -> None:
    file = tmp_path / "user.py"
    file.write_text(USER, encoding="utf-8")
    strict = ["--strict", "--no-site-packages", "--ignore-missing-imports", "--follow-imports", "silent"]
    command = [sys.executable, "-m", "mypy", *strict, "--cache-dir", str(tmp_path / "cache"), str(file)]
    ended = subprocess.run(
        command, env={"MYPYPATH": str(SOURCE)}, cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    found = ended.stdout
    for shown in ("Watch", "Estimates", "MLP", "Solver", "CompletionTable", "Registry[type[", "Gate", "Blur", "Module"):
        assert shown in found, shown
    assert 'has no attribute "fisher_tracer"' in found
    assert "Found 1 error" in found


def stub(package: ModuleType) -> str:
    return Path(str(package.__file__)).with_suffix(".pyi").read_text(encoding="utf-8")
