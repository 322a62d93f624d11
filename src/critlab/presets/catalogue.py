"""What there is: every room's table and the named studies, as rows for a person or a program."""

from __future__ import annotations

from critlab.data import DATA
from critlab.data.data_set import DataSet
from critlab.deficits import DEFICITS
from critlab.measures import MEASURES
from critlab.models import MODELS
from critlab.presets.preset import Preset

TABLES = {"deficits": DEFICITS, "data": DATA, "models": MODELS, "measures": MEASURES}


def catalogue(what: str) -> list[dict[str, str]]:
    """The rows of ``critlab list WHAT``, each with ``name``, ``about`` and ``source``.

    Papers' figures also have ``published`` and ``cost``, one statement a line.

    Args:
        what: ``deficits``, ``data``, ``models``, ``measures`` or ``figures``.
    """
    if what == "figures":
        return _figures()
    rows = []
    for name, entry in TABLES[what].items():
        options = ", ".join(_option(field, info) for field, info in entry.options.model_fields.items())
        about = options
        if isinstance(entry, DataSet):
            sides = " x ".join(map(str, entry.shape))
            about = f"{entry.title}: {sides}, {entry.train:,} training and {entry.test:,} test images"
        rows.append({"name": name, "about": about, "source": entry.source})
    return rows


def _option(name: str, info: object) -> str:
    default = getattr(info, "default", None)
    required = getattr(info, "is_required", lambda: False)()
    return name if required else f"{name}={default}"


def _figures() -> list[dict[str, str]]:
    from critlab.presets import PRESETS
    from critlab.presets.theories import THEORIES

    theories = [
        {
            "name": name,
            "about": f"{figure.question} (scales: small, paper)",
            "source": figure.source,
        }
        for name, figure in THEORIES.items()
    ]
    presets = [
        {
            "name": name,
            "about": f"{preset.question} (scales: {', '.join(preset.scales)})",
            "source": preset.source,
            **_published(preset),
            **_costs(preset),
        }
        for name, preset in PRESETS.items()
    ]
    return presets + theories


def _published(preset: Preset) -> dict[str, str]:
    told = "\n".join(f"{one.what}: {one.value} ({one.source})" for one in preset.published)
    return {"published": told} if told else {}


def _costs(preset: Preset) -> dict[str, str]:
    told = "\n".join(f"{scale}: {cost}" for scale, cost in preset.costs.items())
    return {"cost": told} if told else {}
