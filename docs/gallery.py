"""Write the gallery: each deficit on images, each figure as a thumbnail, each measure of one small study.

Usage: python docs/gallery.py [pages] [deficits] [measures]; without a word all three. ``pages`` writes the Markdown
from the registries, which a test compares with what is committed. ``deficits`` draws images; ``measures`` trains two
small studies (two minutes) and draws a chart of each quantity.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from critlab.cli.catalogue import catalogue
from critlab.deficits import DEFICITS
from critlab.measures import MEASURES
from critlab.papers.registry import FIGURES, find_study

DOCS = Path(__file__).parent
FOLDER = DOCS / "gallery"
RESULTS = DOCS.parent / "results"
OPTIONS: dict[str, dict[str, Any]] = {
    "blur": {"factor": 4},
    "data_subset": {"fraction": 0.25},
    "label_noise": {"share": 0.5},
    "swap_noise": {"share": 0.5},
    "feature_dropout": {"share": 0.5},
    "source_dropout": {"a": 0.4, "b": 0.4},
    "token_bijection": {"vocabulary": 8},
    "token_shuffle": {"window": 4},
}
"""Options of the deficits that have no default, or whose default shows little."""

SEVERITY = 4
ZOOM = 3


def deficit_page() -> str:
    """Return the page of deficits: a section for each with its picture, or with a batch in numbers."""
    lines = [
        "# Deficits",
        "",
        "Eight images of the bundled sample, clean above and with the deficit below, or a small batch in numbers. "
        "`python docs/gallery.py`",
        "draws them with the code that trains. [The reference](../reference.md#deficits) has all options.",
        "",
    ]
    for row in catalogue("deficits"):
        name = row["name"]
        if name not in DEFICITS.rows:
            continue
        shown = ", ".join(f"{key} = {value}" for key, value in options(name).items())
        lines += [f"## `{name}`", "", row["about"] + (f" Shown: `{shown}`." if shown else ""), ""]
        picture = f"deficit_{name}.png"
        lines += [f"![{name}: clean above, with the deficit below]({picture})"] if pictured(name) else _in_numbers(name)
        lines += ["", f"Source: {row['source']}", ""]
    return "\n".join(lines)


def figure_page() -> str:
    """Return the page of figures: a card for each, with the first chart that the repository has of it."""
    lines = [
        "# Figures",
        "",
        "Every figure of `critlab reproduce`, with the chart that lies in the repository's `results/`. What a figure",
        "shows at which scale, against the published numbers, is on [the page of results](../results.md).",
        "",
        "::::{grid} 1 2 2 3",
        ":gutter: 2",
        "",
    ]
    for name, figure in FIGURES.items():
        if name not in FIGURES.rows:
            continue
        lines += [f":::{{grid-item-card}} `{name}`"]
        chart = thumbnail(name)
        if chart is not None:
            lines += [f":img-bottom: ../../{chart.relative_to(DOCS.parent).as_posix()}"]
        lines += ["", f"{figure.question[:1].upper()}{figure.question[1:]}", "", f"*{figure.source}*"]
        if chart is None:
            lines += ["", f"No picture: `results/` has no run of it. Make one: `critlab reproduce {name}`"]
        if figure.playground is not None:
            lines += ["", f"Interactive page: `critlab report {name}`"]
        lines += [":::", ""]
    return "\n".join([*lines, "::::", ""])


def measure_page() -> str:
    """Return the page of measures: what each is, and its charts of a small study."""
    lines = [
        "# Measures",
        "",
        "Each measure of one small study: blur by 7 until epoch 0, 4 or 8 in a small convolutional network on 500",
        "bundled images, two seeds; measures of two sources from a study of two views. The charts are those of a page.",
        "Two seeds show what a chart looks like, and decide nothing.",
        "[What each number is](../measures.md) explains units and errors.",
        "",
    ]
    for row in catalogue("measures"):
        name = row["name"]
        if name not in MEASURES.rows:
            continue
        lines += [f"## `{name}`", "", row["about"], ""]
        if name == "filters":
            lines += ["![Filters of the first layer](../../results/critical_periods/filters/filters-double.svg)", ""]
        for quantity in MEASURES[name].quantities:
            for chart in sorted(FOLDER.glob(f"measure_{quantity.name}-*.svg")):
                lines += [f"![{quantity.label} against the epoch]({chart.name})", ""]
    return "\n".join(lines)


PAGES = {"deficits.md": deficit_page, "figures.md": figure_page, "measures.md": measure_page}


def options(name: str) -> dict[str, Any]:
    """Return the options with which a deficit is shown."""
    return OPTIONS.get(name) or ({"severity": SEVERITY} if "severity" in DEFICITS[name].model_fields else {})


def pictured(name: str) -> bool:
    """Whether a deficit is shown on images."""
    return _folder(name) in ("images", "sources")


def _folder(name: str) -> str:
    """Return the folder of a deficit, such as ``labels``."""
    return DEFICITS.rows[name].removeprefix("critlab.deficits.").partition(".")[0]


def thumbnail(name: str) -> Path | None:
    """Return the smallest chart at the top of a figure's results, else of its first study; None without results."""
    if name == "demo":
        return DOCS / "demo.png"
    charts = [path for folder in RESULTS.glob(f"*/{name}") for path in folder.rglob("*-double.svg")]
    charts = [path for path in charts if not path.name.startswith(("layer_shares", "fisher_trace-"))]
    general = ("damage-", "named_damages-")  # charts that every figure of a study has
    order = sorted(charts, key=lambda path: (len(path.parts), path.name.startswith(general), path.as_posix()))
    return order[0] if order else None


def _batch(name: str) -> tuple[Any, Any, Any]:
    """Return inputs, labels and the context of the batch on which a deficit is shown."""
    import torch

    from critlab.data import load
    from critlab.data.spec import DataSpec
    from critlab.deficits import BatchContext

    sample = load(DataSpec(name="sample", train=8, test=10, pad=2))
    images = torch.as_tensor(sample.train_images).float() / 255
    labels = torch.arange(8)
    unit = True
    if _folder(name) == "sources":
        images = torch.stack([images, images.flip(-1)], 1)
        labels = labels[:, None].repeat(1, 3)
    if _folder(name) == "sequences":
        images = torch.arange(8).repeat(4, 1)
    if _folder(name) == "tables":
        images, unit = torch.arange(1.0, 17).reshape(4, 4), False
    count = len(images)
    mean = torch.full((1,) * (images.dim() - 1), 0.0 if _folder(name) == "tables" else float(sample.mean[0]))
    context = BatchContext(
        seed=1, epoch=0, position=0, indices=torch.arange(count), examples=count, classes=8, mean=mean, unit=unit
    )
    return images, labels[:count], context


def _in_numbers(name: str) -> list[str]:
    """Return a batch before and after, as a block of text."""
    from critlab.deficits import apply_deficit, kept_mask

    images, labels, context = _batch(name)
    deficit = DEFICITS[name](**options(name))
    if name == "data_subset":
        mask = kept_mask(deficit, labels, context)
        assert mask is not None
        pairs = [("labels of the epoch", labels.tolist()), ("shown in it", labels[mask].tolist())]
    else:
        after, renamed = apply_deficit(deficit, images, labels, context)
        before, changed = (labels, renamed) if _folder(name) == "labels" else (images[:2].int(), after[:2].int())
        pairs = [("clean", before.tolist()), ("with the deficit", changed.tolist())]
    width = max(len(title) for title, _ in pairs) + 1
    return ["```text", *(f"{title + ':':<{width}} {values}" for title, values in pairs), "```"]


def write_deficits() -> None:
    """Draw each deficit of images: eight clean ones above, the same with the deficit below."""

    from critlab.deficits import apply_deficit

    for name in DEFICITS.rows:
        if not pictured(name):
            continue
        images, labels, context = _batch(name)
        after, _ = apply_deficit(DEFICITS[name](**options(name)), images, labels, context)
        _strip(FOLDER / f"deficit_{name}.png", images, after)
    demo = find_study("demo").deficit
    assert demo is not None
    images, labels, context = _batch("blur")
    _strip(DOCS / "demo_images.png", images, apply_deficit(demo, images, labels, context)[0])


def _strip(path: Path, images: Any, after: Any) -> None:
    """Write a picture of eight clean images above the same images with a deficit, one row for each source."""
    import torch
    from PIL import Image
    from torch.nn.functional import pad

    rows = [part for batch in (images, after) for part in (batch.unbind(1) if batch.dim() == 5 else [batch])]
    strip = torch.cat([torch.cat(list(pad(row[:, 0], (2, 2, 2, 2), value=1.0)), 1) for row in rows])
    pixels = (strip.clamp(0, 1) * 255).round().byte().numpy()
    size = (pixels.shape[1] * ZOOM, pixels.shape[0] * ZOOM)
    Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST).save(path, optimize=True)


def _studies() -> Iterator[Any]:
    """Yield the two small studies of the page of measures."""
    import critlab

    sources = ("relative_source_variance", "usable_information")
    measures: dict[str, dict[str, Any]] = {name: {"every": 2} for name in MEASURES.rows if name not in sources}
    for name, options in measures.items():
        options |= {"images": 128} if "images" in MEASURES[name].model_fields else {}
        options |= {"batch": 16} if "batch" in MEASURES[name].model_fields else {}
    optimizer = {"name": "sgd", "lr": 0.05, "lr_decay": 0.9, "momentum": 0.9, "batch": 50}
    common: dict[str, Any] = {"optimizer": optimizer, "precision": "float32"}
    sample = {"name": "sample", "train": 500, "test": 500}
    setup = critlab.Setup(data=sample, model={"name": "all_cnn", "width": 4}, measures=measures, **common)
    blur = critlab.deficits.Blur(factor=7)
    yield critlab.removal_sweep(blur, at=[0, 4, 8], recovery=6, seeds=2, setup=setup, name="measures")
    pair = {"name": "two_view", "of": "sample", "train": 500, "test": 500}
    both = {name: {"every": 2} for name in sources}
    both["relative_source_variance"]["images"] = 16
    both["usable_information"]["images"] = 500
    setup = critlab.Setup(data=pair, model={"name": "split_resnet18", "width": 2}, measures=both, **common)
    blur = critlab.deficits.Blur(factor=7, source="B")
    yield critlab.removal_sweep(blur, at=[0, 4, 8], recovery=6, seeds=2, setup=setup, name="sources")


def write_measures() -> None:
    """Train the two small studies and draw the charts of every quantity."""
    import critlab

    for old in FOLDER.glob("measure_*.svg"):
        old.unlink()
    style = critlab.PaperStyle(width="double", formats=("svg",))
    quantities = {quantity.name for measure in MEASURES.values() for quantity in measure.quantities}
    with tempfile.TemporaryDirectory() as folder:
        for study in _studies():
            results = critlab.run(study, Path(folder) / "store")
            for path in critlab.save_figures(results, Path(folder) / study.name, style):
                if path.stem.rpartition("-")[0] in quantities:
                    (FOLDER / f"measure_{path.name}").write_bytes(path.read_bytes())


def main(asked: set[str]) -> None:
    """Write what ``asked`` names; everything where it is empty."""
    if not asked or "deficits" in asked:
        write_deficits()
    if not asked or "measures" in asked:
        write_measures()
    if not asked or "pages" in asked:
        for name, page in PAGES.items():
            (FOLDER / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main(set(sys.argv[1:]))
