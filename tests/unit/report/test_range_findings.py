"""The page on published scores says what its tables say, and nothing more."""

import numpy as np
import pandas as pd
import pytest

import collect_published
import estimate_range
from itcortex import store
from itcortex.report import range_findings
from itcortex.tables import dictionary
from itcortex.tables.published import families_table, range_table
from itcortex.tables.trends import Ranges
from made import scores as made
from made import tables as made_tables
from made.scores import networks, tidy_scores

pytestmark = pytest.mark.long

RANGES = Ranges(5, 15, 20)
LABELS = {"turned": "Turned 2020", "steady": "Steady 2021"}
SOURCES = [{"label": "Turned 2020", "citation": "Nobody 2020", "licence": "MIT"}]


def tent(rng):
    """Scores that rise to 70 % of top-1 and fall above; 40 families of ten."""
    accuracy = rng.uniform(30, 85, 400)
    score = -np.abs(accuracy - 70) * np.where(accuracy > 70, 2, 1) + rng.normal(0, 1, 400)
    return accuracy, score, np.repeat([f"f{k}" for k in range(40)], 10)


@pytest.fixture(scope="module")
def scores():
    rng = np.random.default_rng(8)
    steady = networks(rng, 40, 10, slope=2)
    return pd.concat([tidy_scores("turned", *tent(rng)), tidy_scores("steady", *steady)])


def page(scores) -> str:
    """The text of both tables."""
    curve = range_table(scores, RANGES, 200, seed=1)
    families = families_table(scores, [0, 70], 20, 200, seed=1)
    return range_findings.text(curve, families, 70, LABELS, SOURCES)


@pytest.fixture(scope="module")
def text(scores) -> str:
    """The page on both tables."""
    return page(scores)


def test_turned_signs_are_counted(text):
    assert "**The sign of the trend depends on the range of accuracy.**" in text
    assert (
        "Of 2 lines of IT that span 70 % of top-1, 2 rise with accuracy over all networks, and 1"
        in text
    )
    assert "interval leaves out zero in 2 of 2." in text


def test_without_a_turn_it_says_so(scores):
    text = page(scores[scores["source"] == "steady"])
    assert "**The sign of the trend does not depend on the range of accuracy.**" in text


def test_numbers_are_those_of_the_table(scores, text):
    rows = scores[scores["source"] == "turned"]
    best = rows[rows["accuracy"] >= 70]
    rho = [some[["accuracy", "score"]].corr("spearman").iloc[0, 1] for some in (rows, best)]
    assert f"Turned 2020, IT: ρ {rho[0]:.2f} [" in text
    expected = f"{rho[1]:.2f}".replace("-", "\N{MINUS SIGN}")
    assert f", {expected} [" in text
    assert f"over the {len(best)} of at least 70 %" in text
    assert f"{expected} ({len(best)})" in text  # in the table of cuts


def test_cuts_below_all_networks_have_empty_cells(text):
    row = next(line for line in text.splitlines() if line.startswith("| Turned"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[2] == ""  # no network is below 20 %
    assert cells[3].endswith(")")


def test_sources_name_citation_and_licence(text):
    assert "- Turned 2020: Nobody 2020. Licence: MIT." in text


def test_every_section_is_there_and_tables_are_whole(text):
    for heading in ("Spearman's ρ above a lowest accuracy", "Within families and between them"):
        assert f"\n\n## {heading}\n\n| " in text
    widths = {line.count("|") for line in text.splitlines() if line.startswith("| Turned")}
    assert len(widths) == 2


def test_tables_that_do_not_span_the_cut_give_no_count(scores):
    text = page(scores[(scores["source"] == "turned") & (scores["accuracy"] >= 72)])
    assert "No table of IT has enough networks both below and above 70 %" in text


def test_the_line_runs_from_files_to_findings(tmp_path):
    """collect_published and estimate_range, with one of our own experiments beside."""
    rng = np.random.default_rng(2)
    accuracy, score, family = networks(rng, 12, 6, slope=1, noise=0.3)
    names = [f"{name}_{k}" for k, name in enumerate(family)]
    top1 = pd.DataFrame(
        {"model": names, "benchmark": "fei-fei.Deng2009-top1", "score_raw": accuracy / 100}
    )
    it = pd.DataFrame(
        {"model": names, "benchmark": "dicarlo.MajajHong2015.IT-pls", "score_raw": score}
    )
    rows = pd.concat([top1, it]).assign(score_ceiled=0.5, error=0.01)
    made.brainscore_json(tmp_path / "scores.json", rows)
    made.figure_csv(tmp_path / "figure.csv")
    store.write_table(tmp_path / "summary.parquet", made_tables.summary(simulated=False))
    read = [
        {"source": "board", "format": "brainscore_web", "files": 1},
        {"source": "figure", "format": "figure", "files": 1},
    ]
    collect_published.main(
        [tmp_path / "scores.json", tmp_path / "figure.csv"], [tmp_path / "summary.parquet"], [],
        tmp_path / "published.parquet", tmp_path / "published.csv", read, ["ours"], [],
    )  # fmt: skip
    table = store.read_table(tmp_path / "published.parquet")
    assert list(table["source"].unique()) == ["board", "figure", "ours"]
    assert dictionary.differences("published", table) == []
    np.testing.assert_allclose(table["score"][:72], score)
    labels = {"board": "Board", "figure": "Figure", "ours": "ours"}
    outputs = [
        tmp_path / name for name in ("a.parquet", "a.csv", "b.parquet", "b.csv", "findings.md")
    ]
    estimate_range.main(
        tmp_path / "published.parquet", *outputs, {"step": 5, "width": 15, "minimum": 20}, 70,
        labels, SOURCES, draws=100, seed=3,
    )  # fmt: skip
    curve = store.read_table(outputs[0])
    assert dictionary.differences("range_curve", curve) == []
    assert dictionary.differences("family_trends", store.read_table(outputs[2])) == []
    assert set(curve["source"]) == {"board"}  # the others have too few networks for a curve
    assert "Board, IT: ρ" in outputs[4].read_text(encoding="utf-8")
    pd.testing.assert_frame_equal(curve, pd.read_csv(outputs[1]), check_dtype=False, atol=1e-8)
