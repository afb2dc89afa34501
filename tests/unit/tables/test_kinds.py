"""Scores within kinds in the tables, and what is said of twins and kinds: by hand."""

import numpy as np
import pandas as pd
import pytest

from itcortex.encoding import raw_scores
from itcortex.encoding.targets import Target
from itcortex.mappings.layer_scores import LayerScores
from itcortex.numerics.metrics import METRICS
from itcortex.report import findings
from itcortex.report.tables import summary_table
from itcortex.tables import panels
from itcortex.tables.kinds import describe_images, image_table, warn_of_kinds
from itcortex.tables.summary import over_folds, over_kinds, over_sites
from made import tables as made_tables

LABELS = {"recording": "rec", "model": "net", "weights": "w", "mapping": "pls", "protocol": "c"}
FOLDS, SITES = ["f0", "f1", "f2", "f3"], ("x", "y", "z")


def raw(rng, plain, of_kinds):
    """Raw scores near `plain` over all images and near those `of_kinds` within kinds; two controls."""
    targets = [Target(None, main=True)]
    targets += [Target(None, "shuffled_images", True, k) for k in (1, 2)]
    metrics = {name: np.full((3, 4, 3), plain) for name in METRICS}
    metrics |= {f"r of {name}": np.full((3, 4, 3), value) for name, value in of_kinds.items()}
    for name in metrics:
        metrics[name][1:] = 0.01 * np.arange(2)[:, None, None]
        metrics[name] += 0.01 * rng.standard_normal((3, 4, 3))
    results = [LayerScores(metrics, None)]
    chosen = np.zeros(4, int)
    return raw_scores.raw_scores(
        LABELS, targets, {"a": 0.1}, results, chosen, FOLDS, SITES
    ), metrics


def test_r_within_kinds_is_the_mean_over_kinds_of_the_score_within_each(rng):
    table, metrics = raw(rng, 0.7, {"photo": 0.6, "texture": 0.2})
    metrics["r of texture"][0, 2] = np.nan  # too few textures in that fold
    table.loc[(table["fold"] == "f2") & (table["control"] == "none"), "r of texture"] = np.nan
    found = over_folds(table, 100, np.random.default_rng(0)).set_index("control")
    scores = {
        name: np.nanmean(np.median(metrics[f"r of {name}"][0], axis=1))
        for name in ("photo", "texture")
    }
    main = found.loc["none"]
    assert main["r_within_kinds"] == pytest.approx(np.mean([*scores.values()]))
    low, high = main["r_within_kinds_low"], main["r_within_kinds_high"]
    assert 0.36 < low < main["r_within_kinds"] < high < 0.44
    assert main["kinds_matter"]
    control = found.loc["shuffled_images"]
    assert control["r_within_kinds"] == pytest.approx(0.005, abs=0.01)
    of_kinds = over_kinds(table, 100, np.random.default_rng(0)).set_index("kind")
    assert of_kinds["r"].to_dict() == pytest.approx(scores)
    assert (of_kinds["r_low"] < of_kinds["r"]).all() and (of_kinds["r"] < of_kinds["r_high"]).all()
    by_fold = over_sites(table).query("control == 'none'").set_index("fold")
    assert by_fold.loc["f2", "r_within_kinds"] == pytest.approx(
        np.median(metrics["r of photo"][0, 2])
    )
    assert "r of photo" not in by_fold


def test_with_one_kind_r_within_kinds_is_r_and_intervals_are_drawn_as_without_kinds(rng):
    table, _ = raw(rng, 0.7, {})
    found = over_folds(table, 50, np.random.default_rng(0))
    for end in ("", "_low", "_high"):
        np.testing.assert_array_equal(found[f"r_within_kinds{end}"], found[f"r{end}"])
    assert not found["kinds_matter"].any()
    assert over_kinds(table, 50, np.random.default_rng(0)).empty
    np.testing.assert_array_equal(over_sites(table)["r_within_kinds"], over_sites(table)["r"])
    several = table.assign(**{"r of a": 0.5, "r of b": 0.5})
    again = over_folds(several, 50, np.random.default_rng(0))
    np.testing.assert_array_equal(again["r_low"], found["r_low"])


def test_twins_and_kinds_are_counted_and_named():
    two = pd.DataFrame({"image": list("abcde"), "picture": list("abbba"), "kind": list("xxxxy")})
    one = pd.DataFrame({"image": ["a"], "picture": ["a"], "kind": ["all"]})
    images = image_table({"rec": two, "other": one})
    assert images["twin_of"].tolist() == ["", "", "b", "b", "a", ""]
    found = describe_images(pd.DataFrame({"recording": ["other", "rec"]}), images)
    assert found[["n_images", "n_twins", "n_kinds"]].values.tolist() == [[1, 0, 1], [5, 5, 2]]


def test_the_report_and_the_log_say_what_twins_and_kinds_do(caplog):
    summary = made_tables.summary(recordings={"m1_pl": ("Monkey 1", "PL")})
    (panel,) = panels.of_summary(summary)
    tradeoff = pd.DataFrame(
        columns=["recording", "mapping", "protocol", "statistic", "group", "value", "low", "high"]
    )
    plain = findings.sentences(panel, summary, tradeoff)
    assert not any("twin" in text or "kinds" in text for text in plain)
    mixed = summary.assign(n_images=1200, n_twins=600, n_kinds=2, kinds_matter=True)
    mixed = mixed.assign(r_within_kinds=0.25, r_within_kinds_low=0.2, r_within_kinds_high=0.3)
    first = findings.sentences(panel, mixed, tradeoff)[0]
    assert first.startswith("600 of the 1200 images have a twin with the same pixels; ")
    assert "reaches r = 0.25 (95 % CI 0.20 to 0.30), against" in first
    assert "Warning: for 5 of 5 networks r within kinds lies outside" in first
    columns = summary_table(panel, mixed).columns
    assert "r within kinds [95 % CI]" in columns
    assert summary_table(panel, mixed).rows[0][5].text == "0.25 [0.20, 0.30] \N{WARNING SIGN}"
    assert "r within kinds [95 % CI]" not in summary_table(panel, summary).columns
    warn_of_kinds(summary)
    assert not caplog.text
    warn_of_kinds(mixed)
    assert "0.25 within the 2 kinds of image: the contrast of kinds makes a part" in caplog.text
