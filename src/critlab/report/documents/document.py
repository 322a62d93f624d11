"""A verdict as one JSON document: its numbers, and the words that the terminal shows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from critlab.analysis.confounds.confound import Confound
from critlab.analysis.judgement.damages import Damage
from critlab.analysis.judgement.verdict import Verdict
from critlab.analysis.tables.results import Results
from critlab.report.documents.timing_document import timing_document
from critlab.report.text.judgement.confounds import confound_text
from critlab.report.text.judgement.damages import damage_meaning
from critlab.report.text.judgement.verdict import answer_text, closing_text
from critlab.report.text.notes import note_lines

NUMBERS = ("stderr", "low", "high", "upper", "adjusted_p", "detectable")
"""What a damage has where enough seeds are done."""


def verdict_document(results: Results) -> dict[str, Any]:
    """The verdict of a study as plain JSON values; in the unit of the metric, ``null`` where a number is not known."""
    verdict = results.verdict()
    return {
        "schema_version": 1,
        "study": results.study.name,
        "metric": _metric(verdict),
        "answer": verdict.answer,
        "sentence": answer_text(verdict),
        "reasons": list(verdict.reasons),
        "smallest_damage": verdict.smallest_damage,
        "level": verdict.level,
        "looks": {
            "number": verdict.looks.number,
            "unplanned": verdict.looks.unplanned,
            "most": verdict.looks.most,
            "false_present": verdict.looks.false_present,
        },
        "evidence": [[one.name, one.at] for one in verdict.evidence],
        "damages": [_damage(verdict, one) for one in verdict.damages],
        "missing": [asdict(one) for one in verdict.missing],
        "seeds_needed": verdict.seeds_needed,
        "images_needed": verdict.images_needed,
        "epochs_a_seed": verdict.epochs_a_seed,
        "epochs": verdict.epochs,
        "epochs_left": verdict.epochs_left,
        "detectable_last": _number(verdict.detectable_last),
        "detectable_everywhere": _number(verdict.detectable_everywhere),
        "closing": _closing(verdict),
        "confounds": [_confound(verdict, one) for one in verdict.confounds],
        "guards": [type(one).__name__ for one in verdict.guards],
        "notes": note_lines(verdict),
        "lines": verdict.lines(),
        **({"timing": timing_document(results)} if results.study.sweep.asks_when else {}),
    }


def _metric(verdict: Verdict) -> dict[str, Any]:
    metric = verdict.metric
    return {"name": metric.name, "unit": metric.unit, "better": metric.better}


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _damage(verdict: Verdict, damage: Damage) -> Mapping[str, Any]:
    return {
        "name": damage.name,
        "at": damage.at,
        "other": damage.other,
        "kind": damage.kind,
        "n": damage.n,
        "estimate": damage.estimate,
        **{
            key: _number(getattr(damage, key)) for key in ("stderr", "low", "high", "upper", "adjusted_p", "detectable")
        },
        "exceeds": damage.exceeds,
        "bounded": damage.bounded,
        "limited_by": damage.limited_by,
        "seeds": {str(seed): value for seed, value in damage.seeds.items()},
        "meaning": damage_meaning(damage, verdict.arm, verdict.metric),
    }


def _confound(verdict: Verdict, confound: Confound) -> Mapping[str, Any]:
    share = confound.share
    return {
        "name": confound.name,
        "at": list(confound.at),
        "effect": None if confound.effect is None else asdict(confound.effect),
        "damage": None if confound.damage is None else asdict(confound.damage),
        "share": None
        if share is None
        else {"estimate": _number(share.estimate), "low": _number(share.low), "high": _number(share.high)},
        "text": confound_text(verdict, confound),
    }


def _closing(verdict: Verdict) -> Mapping[str, Any] | None:
    closing = verdict.closing
    if closing is None:
        return None
    limits = {key: _number(getattr(closing, key)) for key in ("epoch", "low", "high")}
    return {**limits, "open_ended": closing.open_ended, "text": closing_text(verdict)}
