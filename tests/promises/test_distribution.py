"""What is published: the metadata of the package, and what a source distribution holds."""

from __future__ import annotations

import gzip
import importlib.util
import io
import lzma
import re
import tarfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager

import critlab
from critlab._core.errors import DataError
from critlab.data.formats.idx import read_idx, read_split_files
from critlab.data.subset import balanced
from paths import ROOT

SAMPLE = ROOT / "src" / "critlab" / "data" / "sample"
MOST = 4_000_000


def hook() -> ModuleType:
    """The module of the build, which is no part of a package."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def parts() -> dict[str, bytes]:
    made: dict[str, bytes] = hook().small(
        {file.stem: gzip.decompress(file.read_bytes()) for file in SAMPLE.glob("*.gz")}
    )
    return made


def test_metadata() -> None:
    metadata = ProjectMetadata(str(ROOT), PluginManager())
    core = metadata.core
    assert metadata.version == critlab.__version__
    assert f"\nversion: {critlab.__version__}\n" in (ROOT / "CITATION.cff").read_text()
    assert core.license_expression == "Apache-2.0"
    assert all((ROOT / file).is_file() for file in core.license_files)
    assert len(core.license_files) == 2, "critlab's own licence and that of the sample"
    assert {"Operating System :: MacOS", "Operating System :: POSIX :: Linux"} <= set(core.classifiers)
    assert core.urls
    assert all(re.fullmatch(r"https://\S+", url) for url in core.urls.values())
    assert all(len(name) <= 32 for name in core.urls), "an index refuses longer names"


@pytest.mark.slow
def test_a_source_distribution_is_small_and_holds_what_a_wheel_needs() -> None:
    builder = SdistBuilder(str(ROOT))
    files = {file.relative_path: Path(file.path) for file in builder.recurse_included_files()}
    assert {"src/critlab/_core/version.py", "hatch_build.py", "README.md", "CHANGELOG.md", "LICENSE"} <= set(files)
    assert not [name for name in files if name.split("/")[0] in {"results", "tests", "docs", "evidence"}]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, path in files.items():
            if path.exists():  # the hook replaces the sample
                tar.add(path, name)
    replaced = hook().smaller(ROOT)
    assert packed.tell() + sum(map(len, replaced.values())) < MOST
    place, content = next((place, content) for place, content in replaced.items() if place.suffix == ".npz")
    with np.load(io.BytesIO(content), allow_pickle=False) as ours, np.load(ROOT / place, allow_pickle=False) as theirs:
        assert ours.files == theirs.files
        assert all(ours[name].tobytes() == theirs[name].tobytes() for name in ours.files)


def test_the_part_of_the_sample_is_a_subset_by_the_same_rule(tmp_path: Path) -> None:
    for name, content in parts().items():
        (tmp_path / f"{name}.xz").write_bytes(lzma.compress(content, preset=0))
    (images, labels), test = read_split_files(tmp_path)
    (all_images, all_labels), all_test = read_split_files(SAMPLE)
    chosen = balanced(all_labels.astype(np.int64), hook().TRAIN)
    assert np.array_equal(images, all_images[chosen])
    assert np.array_equal(labels, all_labels[chosen])
    assert np.array_equal(test[0], all_test[0])
    assert np.array_equal(test[1], all_test[1])


@pytest.mark.parametrize("end", ["", "x"])
def test_a_file_that_only_begins_like_xz_is_refused_in_one_line(end: str, tmp_path: Path) -> None:
    (tmp_path / "images").write_bytes(b"\xfd7zXZ\x00" + end.encode())
    with pytest.raises(DataError, match="images cannot be read"):
        read_idx(tmp_path / "images", axes=3)
