"""The bench's table in words: one notation, real minus signs, and a dash where a score is not defined."""

from __future__ import annotations

from dataclasses import asdict

from critlab.bench.judging import judged
from critlab.bench.scoring import scores
from critlab.bench.table import BenchRow, BenchTable
from critlab.report.text.timing.bench import HEAD, bench_markdown, bench_text, sentence
from planted_bench import planted_training


def test_the_table_has_every_column_in_terminal_and_document() -> None:
    planted = [planted_training(number) for number in range(6)]
    found = scores(judged(lambda seen: float(seen.epoch), planted), draws=20)
    table = BenchTable((BenchRow("late", "Late epochs", "ours", found),), len(planted), 3)
    document = table.document()
    assert document["rules"][0]["scores"]["coverage"]["value"] is None
    assert set(asdict(found)) == set(document["rules"][0]["scores"])
    rows = [(one["title"], one["scores"]) for one in document["rules"]]
    lines = bench_markdown(rows).splitlines()
    assert lines[0].count("|") == lines[1].count("|") == lines[2].count("|") == len(HEAD) + 1
    assert "| Late epochs |" in lines[2]
    assert "–" in lines[2]
    assert "-0." not in lines[2]
    text = bench_text(rows, table.facts)
    assert text.startswith("Bench of closings, version 1: 126 windows with a deficit on 2 held-out trainings of 6")
    assert "smallest damage of interest 2 points; 3 forks of each deficit." in sentence(table.facts)
    assert all(name in text for name in HEAD[1:])
