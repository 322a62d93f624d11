"""``critlab when STUDY``: the missing work, the answer, its page, and what is refused."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

import critlab as library
from command import JARGON, Command
from critlab.report.documents.timing_document import timing_document
from critlab.study import read_study
from studies import TOML

SWITCH = '[deficit]\nname = "blur"\nfactor = 7'
SWEEP = '[sweep]\nkind = "removal"\nat = [0, 1, 3]\nrecovery = 2'


def study(folder: Path, switch: str, sweep: str = 'kind = "onset"\nat = [2]\ntotal = 6', seeds: str = "3") -> Path:
    text = TOML.replace(SWITCH, f"[switch]\n{switch}").replace(SWEEP, f"[sweep]\n{sweep}")
    text = text.replace("seeds = 2", f"seeds = {seeds}").split("[controls]")[0]
    path = folder / "study.toml"
    path.write_text(text)
    return path


@pytest.mark.slow
def test_the_answer_its_document_and_its_page(critlab: Command, tmp_path: Path) -> None:
    study(tmp_path, "lr_factor = 0.0")
    asked = ("when", "study.toml", "--store", "store", "--present", "1", "--tolerance", "0.02", "--workers", "1")
    found = critlab(*asked, "--json", "--out", "page.html")
    assert found.status == 0, found.err
    document = json.loads(found.out)
    assert [point["epoch"] for point in document["points"]] == [0, 1, 2, 6]
    assert document["points"][0]["worse"], "a network that never learns is worse"
    assert document["never"]["worse"] is False
    assert (document["best"]["epoch"], document["none_better"]) == (6, True)
    assert document["present"]["epoch"] == 1
    assert document["present"]["estimate"] > 0.1
    assert (document["tolerance"], document["missing"], document["direction"]) == (0.02, 0, "on")
    # the trunk, and what follows each switch: never, 0, 1 and 2
    assert document["spent"] == 3 * (6 + 6 + 5 + 4)
    assert document["reruns"] == 3 * 4 * 6
    page = (tmp_path / "page.html").read_text()
    for words in (
        "No time is found better than never",
        "learning rate times 0",
        "Present time",
        "The plateau is shaded",
    ):
        assert words in page, words
    again = critlab(*asked, "--out", "page.html")
    assert again.status == 0
    assert document["sentence"] in again.out
    assert document["sentence"] in critlab("report", "study.toml", "--store", "store").out
    assert document["sentence"] in critlab("run", "study.toml", "--store", "store").out


@pytest.mark.slow
def test_the_jobs_of_an_array_do_a_part_each(critlab: Command, tmp_path: Path) -> None:
    study(tmp_path, "lr_factor = 0.0", 'kind = "onset"\nat = [1]\ntotal = 4', seeds="2")
    asked = ("when", "study.toml", "--store", "store", "--workers", "1", "--out", "page.html", "--json")
    first = critlab(*asked, "--part", "1/2")
    assert first.status == 0, first.err
    assert "part 1/2 is done;" in first.err
    document = json.loads(first.out)
    assert (document["missing"], document["answer"]) == (3, "undecided")
    assert "3 runs are not done; the answer is provisional." in document["lines"]
    second = critlab(*asked, "--part", "2/2")
    assert "part 2/2 is done; the store has the whole study" in second.err
    whole = json.loads(second.out)
    assert (whole["missing"], whole["spent"]) == (0, 2 * (4 + 4 + 3))
    refused = critlab(*asked, "--part", "3/2")
    assert (refused.status, "--part: received '3/2'; must be K/N" in refused.err) == (2, True)


@pytest.mark.slow
def test_a_switch_that_does_nothing_has_no_effect(tmp_path: Path) -> None:
    sweep, seeds = 'kind = "switch_off"\nat = [2, 3]\ntotal = 6', "{ first = 3, most = 6 }"
    asked = read_study(study(tmp_path, "gradient_clip = 1e30", sweep, seeds))
    results = library.run(asked, tmp_path / "store", engine="inline", device="cpu")
    found = results.timing()
    assert found is not None
    assert (found.timing.matters, found.decided, found.timing.seeds) == (False, True, 3)
    assert found.timing.plateau == (0, 6)
    assert found.timing.never is not None
    assert found.timing.never.estimate is not None
    assert math.isclose(found.timing.never.estimate, 0.0, abs_tol=1e-12)
    assert (results.looks[-1].answer, results.verdict().reasons) == ("decided", ("asks_when",))
    document = timing_document(results)
    assert document["sentence"].startswith("No effect found")
    json.dumps(document, allow_nan=False)


@pytest.mark.parametrize(
    ("switch", "sweep", "options", "message"),
    [
        ("batch = 20", 'kind = "onset"\nat = [9]\ntotal = 6', (), "sweep.at: received 9; must be below 6"),
        (
            "batch = 20",
            'kind = "onset"\nat = [2]\ntotal = 6',
            ("--present", "5"),
            "--present: received 5",
        ),
        ("batch = 20", 'kind = "onset"\nat = [2]\ntotal = 6', ("--tolerance", "nan"), "--tolerance: received nan"),
        ("batch = 20", 'kind = "removal"\nat = [2]\nrecovery = 6', (), "sweep.kind: received 'removal'"),
        ("batch = nan", 'kind = "onset"\nat = [2]\ntotal = 6', (), "switch.batch: received nan"),
        ("dropout = 0.5", 'kind = "onset"\nat = [2]\ntotal = 6', (), "switch.dropout: "),
        ('call = "toy_switches:raises"', 'kind = "onset"\nat = [2]\ntotal = 6', (), "switch.call: "),
    ],
)
def test_bad_input_is_one_line_and_creates_nothing(
    critlab: Command, tmp_path: Path, switch: str, sweep: str, options: tuple[str, ...], message: str
) -> None:
    study(tmp_path, switch, sweep)
    found = critlab("when", "study.toml", "--store", "store", *options)
    assert found.status == 2
    assert message in found.err
    assert len(found.problem.strip().splitlines()) == 1, found.problem
    assert not JARGON.search(found.err)
    assert not (tmp_path / "store" / "states").exists()
