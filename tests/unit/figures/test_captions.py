"""Captions say the paper's claim, the paper's number, and ours."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from itcortex.figures import captions
from itcortex.tables import paper as papers
from itcortex.tables.multiverse import influence_table, multiverse_table
from itcortex.tables.published import range_table
from itcortex.tables.statistics import tradeoff_table
from itcortex.tables.trends import Ranges
from made import tables as made_tables
from made.scores import networks, tidy_scores


def test_long_lists_are_cut_and_empty_ones_say_so():
    found = {str(k): f"v{k}" for k in range(9)}
    assert captions.here(found, 2) == "Here: v0 (0); v1 (1); 7 more panels in the table."
    assert captions.here({}) == "Here: nothing can be said."


def test_the_trade_offs_caption_has_the_number_of_its_table_and_of_the_harmonized(paper):
    table = tradeoff_table(paper, "r_over_ceiling", 20, np.random.default_rng(0))
    said = captions.of_tradeoff(paper, table, "r_over_ceiling")
    main = paper[paper.main_window & (paper.control == "none")]
    rows = main[~main.category.isin(["harmonized", "untrained"])]
    rho = spearmanr(rows.top1, rows.r_over_ceiling).statistic
    assert f"Here: ρ = {rho:.2f}".replace("-", "\N{MINUS SIGN}") in said
    assert "n = 135 (PL, Monkey 1)" in said
    twins = main[main.category == "harmonized"].r_over_ceiling
    gain = f"{twins.mean() - rows.r_over_ceiling.max():.3f}".replace("-", "\N{MINUS SIGN}")
    assert f"Here: {gain} (PL, Monkey 1)" in said and "0.042, 0.048, 0.045" in said
    for value in papers.RANK.values():
        assert f"{value:.2f}".replace("-", "\N{MINUS SIGN}") in said


def test_attention_holds_the_labs_number():
    rng = np.random.default_rng(2)
    x, y, family = networks(rng, 12, 4, slope=-1)
    rows = {"attention": "osie", "map_kind": "eye", "control": "none", "saliency": "raw",
            "top1": x, "rho": y, "family": family, "category": "cnn"}  # fmt: skip
    said = captions.of_attention(pd.DataFrame(rows), "raw", 50, rng)
    rho = f"{spearmanr(x, y).statistic:.2f}".replace("-", "\N{MINUS SIGN}")
    assert "over 551 networks its lab finds ρ = \N{MINUS SIGN}0.65" in said
    assert f"Here: ρ = {rho} [" in said and "(osie eye)" in said


def test_published_tables_say_all_and_above_the_cut():
    rng = np.random.default_rng(3)
    x, y, family = networks(rng, 14, 6, slope=1)
    scores = tidy_scores("first", x, y, family)
    said = captions.of_published(scores, {"source": "first", "region": "IT"}, 70, "It falls.")
    best = x >= 70
    for count, part in ((84, slice(None)), (best.sum(), best)):
        rho = f"{spearmanr(x[part], y[part]).statistic:.2f}".replace("-", "\N{MINUS SIGN}")
        assert f"ρ = {rho}" in said and f"n = {count}" in said
    nothing = captions.of_published(scores, {"source": "none"}, 70, "It falls.")
    assert nothing.startswith("It falls. Here: ρ = \N{EN DASH} (all, n = 0)")
    curve = range_table(scores, Ranges(5, 15, 20), 20, seed=1)
    found = captions.of_range(curve, {"first": "First 2020"}, 70, ["first", "second"])
    whole = f"{spearmanr(x, y).statistic:.2f}".replace("-", "\N{MINUS SIGN}")
    above = f"{spearmanr(x[best], y[best]).statistic:.2f}".replace("-", "\N{MINUS SIGN}")
    assert found.endswith(f"Here: ρ = {whole} over all, {above} from 70 % (First 2020).")


def test_layers_windows_maps_and_trainings(demo):
    scores = made_tables.scores(demo)
    assert "chosen layers at 0.67" in captions.of_layers(scores)
    assert captions.of_layers(scores.assign(chosen=False)).endswith("nothing can be said.")
    assert "at 80-120 ms (ML, Monkey 2 (SIMULATED))" in captions.of_timecourse(demo)
    still = demo.assign(window_start=np.nan)
    assert captions.of_timecourse(still).endswith("nothing can be said.")
    rho = {"M": {"net": np.array([0.2, 0.4, np.nan]), "dead": np.array([np.nan])}}
    assert captions.of_maps(rho).endswith("Here: mean ρ = 0.30 (net, M).")
    history = {"strength": [0.0, 0.0, 1.0, 1.0], "epoch": [1, 2, 1, 2],
               "validation_accuracy": [0.1, 0.5, 0.2, 0.6]}  # fmt: skip
    said = captions.of_training(pd.DataFrame(history))
    assert said.endswith("Here: 50.0 % (strength 0); 60.0 % (strength 1).")
    assert captions.of_training(pd.DataFrame(history).drop(columns="validation_accuracy")) == ""


def test_digits_pairs_and_dissimilarities():
    said = captions.of_shortcut(made_tables.shortcut())
    assert said.endswith("Here: r / ceiling 0.30 at strength 0, 0.50 at 1 (net).")
    pairs = pd.DataFrame({"n_inside": [3, 2], "n_expected": [4, 3]})
    assert captions.of_pairs(pairs).endswith("Here: 5 of 7 inside (networks of all panels).")
    assert captions.of_pairs(pairs[:0]).endswith("nothing can be said.")
    assert captions.of_rsa(made_tables.rsa()).endswith("Here: highest ρ = 0.42 (m, monkey).")


@pytest.mark.parametrize("models", [None, made_tables.DEMO])
def test_the_multiverse_says_its_sentence(models, rng):
    chosen = made_tables.paper_models(rng)[:20] if models is None else models
    summary = made_tables.summary(chosen, {"m1_pl": ("M", "PL")}, starts=np.array([60.0]))
    scores = made_tables.scores(summary, folds=2).assign(folds="image")
    table = multiverse_table(scores, made_tables.ceilings(summary), [], 20, rng)
    said = captions.of_multiverse(table, influence_table(table))
    assert ("specifications" if models is None else "No specification") in said and "`" not in said
