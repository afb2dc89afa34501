"""Recordings that predict each other, from files to tables, figure and report."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet

import compare_recordings
import estimate_ceiling
import predict_recording
from itcortex import store
from itcortex.data.recordings import Recording
from itcortex.encoding import pair_scores
from itcortex.errors import UserError
from itcortex.figures import captions, site_counts
from itcortex.figures import recording_pairs as figure
from itcortex.numerics.metrics import predictivity
from itcortex.report import findings
from itcortex.report.tables import pairs_table as reported
from itcortex.tables import dictionary, multiverse
from itcortex.tables.ceiling_effects import effects_table
from itcortex.tables.panels import Panel
from itcortex.tables.shared_images import Predicted, fold_scores
from made import artists
from made.encoding import ON_CPU

IMAGES, FOLDS, SEED = 90, 5, 3
KINDS = ("scores", "pairs", "shared", "curves")
NETWORKS = {"strong": 0.9, "weak": 0.1}
PANEL = Panel("a", "pls", "corrected", "V4, A")


def recording(folder, name, values, digests, monkey):
    """A recording's file and that of the labels of its images, whose names are its own."""
    names = tuple(f"{name}-{k:03d}" for k in range(len(values)))
    sites = tuple(f"s{k}" for k in range(values.shape[1]))
    made = Recording(
        values[:, None, None, None].astype("float32"), names, sites, {"monkey": monkey}
    )
    store.write_recording(folder / f"{name}.h5", made)
    labels = {"image": names, "picture": names, "kind": "all", "digest": digests}
    store.write_table(folder / f"{name}.images.parquet", pd.DataFrame(labels))
    return made


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """Recording a of 90 images; b, the same animal, saw 70 of them; c saw none."""
    folder, rng = tmp_path_factory.mktemp("line"), np.random.default_rng(SEED)
    signal = rng.standard_normal((IMAGES, 2))
    noisy = signal @ rng.standard_normal((2, 6)) + 0.5 * rng.standard_normal((IMAGES, 6))
    pictures = [f"p{k}" for k in range(IMAGES)]
    recorded = recording(folder, "a", noisy, pictures, "A")
    seen = rng.permutation(IMAGES)[:70]
    other = signal[seen] @ rng.standard_normal((2, 4)) + rng.standard_normal((70, 4))
    recording(folder, "b", other, [pictures[k] for k in seen], "A")
    recording(folder, "c", other, [f"q{k}" for k in range(70)], "C")
    for name in "abc":
        others = [one for one in "abc" if one != name]
        predict_recording.main(
            folder / f"{name}.h5", folder / f"{name}.images.parquet",
            [folder / f"{one}.h5" for one in others],
            [folder / f"{one}.images.parquet" for one in others],
            *(folder / f"{name}.{kind}.parquet" for kind in KINDS), folder / f"{name}.predictions.h5",
            name, others, [None, None], ["pls", "ridge"], "corrected", 4, "exact", *ON_CPU, FOLDS, 7,
            None, [], 20, 3, SEED,
        )  # fmt: skip
        estimated(folder, name, "population")
    fold_of = store.read_table(folder / "a.shared.parquet")
    for model, share in NETWORKS.items():
        values = share * recorded.responses[..., 0, :] + (1 - share) * rng.standard_normal(
            recorded.responses[..., 0, :].shape
        )
        about = {"recording": "a", "model": model, "weights": "w"}
        store.write_recording(
            folder / f"{model}.predictions.h5", recorded.predicted(values, None, about)
        )
    models = {"model": list(NETWORKS), "weights": "w", "category": "cnn", "family": "f",
              "baseline": "", "series": "", "condition": "", "top1": [70.0, 60.0], "strength": np.nan,
              "seed": np.nan}  # fmt: skip
    store.write_table(folder / "models.parquet", pd.DataFrame(models))
    paths = {kind: [folder / f"{name}.{kind}.parquet" for name in "abc"] for kind in KINDS}
    compare_recordings.main(
        **paths, predicted=[folder / f"{name}.predictions.h5" for name in "abc"],
        recorded=[folder / f"{name}.h5" for name in "abc"],
        predictions=[folder / f"{model}.predictions.h5" for model in NETWORKS],
        models=folder / "models.parquet", recording_pairs=folder / "recording_pairs.parquet",
        recording_pairs_csv=folder / "recording_pairs.csv",
        shared_images=folder / "shared_images.parquet",
        shared_images_csv=folder / "shared_images.csv",
        site_counts=folder / "site_counts.parquet", site_counts_csv=folder / "site_counts.csv",
        names=list("abc"), mapping="pls", splits=dict.fromkeys("abc", "10"), draws=200,
        seed=SEED,
    )  # fmt: skip
    assert len(fold_of) == 70
    return folder


def estimated(folder, name, used, out="ceilings"):
    """The table of a recording's ceilings."""
    estimate_ceiling.main(
        folder / f"{name}.h5", [], [folder / f"{name}.scores.parquet"],
        [folder / f"{name}.pairs.parquet"], folder / f"{name}.{out}.parquet", name, "corrected",
        FOLDS, None, [], used, ["pls", "ridge"], 5, 20, SEED,
    )  # fmt: skip
    return store.read_table(folder / f"{name}.{out}.parquet")


def table(line, name):
    return store.read_table(line / f"{name}.parquet")


def test_another_recording_is_a_ceiling_by_its_name(line):
    ceilings = table(line, "a.ceilings")
    of_b = ceilings[ceilings["ceiling_name"] == "recording:b"]
    assert len(of_b) == FOLDS and not of_b["used"].any()
    assert set(ceilings["ceiling_name"]) == {"population", "recording:b"}  # c shares no picture
    scores = table(line, "a.scores")
    real = scores[(scores["mapping"] == "pls") & (scores["control"] == "none")]
    r = real.pivot(index="fold", columns="site", values="r").to_numpy()
    assert of_b["value"].mean() == pytest.approx(predictivity(r), abs=1e-12)
    assert abs(of_b["chance"].iloc[0]) < 0.15 and of_b["p"].iloc[0] == pytest.approx(1 / 21)


def test_a_ceiling_of_some_images_divides_no_scores(line):
    with pytest.raises(UserError, match=r"'recording:b'.*b was shown 70 of its 90 images only"):
        estimated(line, "a", "recording:b", "refused")
    with pytest.raises(UserError, match="c and a have no picture in common"):
        estimated(line, "a", "recording:c", "refused")
    assert (
        estimated(line, "b", "recording:a", "divided").query("used")["ceiling_name"].nunique() == 1
    )


def test_every_pair_has_a_row_with_what_it_must_be_read_with(line):
    pairs = table(line, "recording_pairs").set_index(["recording", "sources", "mapping"])
    assert len(pairs) == 2 * 2 + 4  # a from b and b from a, by two mappings; four without pictures
    one = pairs.loc["a", "b", "pls"]
    assert one["n_images"] == 90 and one["n_shared"] == 70 and one["n_folds"] == FOLDS
    assert one["n_sites"] == 6 and one["n_source_sites"] == 4
    assert one["r_low"] < one["r"] < one["r_high"] and one["p_shuffled"] == pytest.approx(1 / 21)
    assert one["r_within_kinds"] == one["r"]
    assert one["note"] == (
        "sessions of one animal: an optimistic ceiling for another animal; predicted from 4 sites only"
    )
    assert "no picture in common" in pairs.loc["c", "a", ""]["note"]
    assert np.isnan(pairs.loc["c", "a", ""]["r"])


def test_networks_are_scored_on_the_same_images_and_folds(line):
    shared = table(line, "shared_images")
    assert dictionary.differences("shared_images", shared) == []
    for name in ("recording_pairs", "shared_images", "site_counts"):
        assert set(table(line, name)["split"].astype(str)) == {"10"}
    shared = shared.set_index("model")
    assert set(shared["recording"]) == {"a"} and set(shared["n_shared"]) == {70}
    recorded = store.read_recording(line / "a.h5")
    images = table(line, "a.shared").query("ceiling_name == 'recording:b'")
    for model in NETWORKS:
        predicted = store.read_recording(line / f"{model}.predictions.h5").responses[..., 0, :]
        expected = [
            np.median([
                np.corrcoef(recorded.responses[rows["image"], 0, 0, 0, site],
                            predicted[rows["image"], 0, 0, site])[0, 1]
                for site in range(6)
            ])
            for _, rows in images.groupby("fold")
        ]  # fmt: skip
        assert shared.loc[model, "r"] == pytest.approx(np.mean(expected), abs=1e-6)
    pairs = table(line, "recording_pairs").query("recording == 'a' and mapping == 'pls'")
    ceiling = pairs.set_index("sources").loc["b", "r"]
    assert shared["ceiling"].to_numpy() == pytest.approx(ceiling)
    np.testing.assert_allclose(shared["difference"], shared["r"] - ceiling)
    assert shared.loc["strong", "low"] > 0 and shared.loc["weak", "high"] < 0


def test_a_network_on_all_images_has_its_usual_score(rng):
    values = rng.standard_normal((20, 2, 2, 3))
    shared = pd.DataFrame({"image": np.arange(20), "fold": np.repeat(["f0", "f1"], 10)})
    found = fold_scores(values, 2 * values + 1, shared)
    assert found.shape == (2, 3)
    np.testing.assert_allclose(found, 1)


def summary_of(line):
    """A summary in which networks score far more on all images than on the shared ones."""
    rows = [
        {"recording": "a", "mapping": "pls", "protocol": "corrected", "model": model, "weights": "w",
         "r": 0.99, "n_images": IMAGES, "category": "cnn", "control": "none", "main_window": True,
         "top1": 70.0, "window_start": np.nan, "window_stop": np.nan}
        for model in NETWORKS
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_the_ratio_with_another_recording_is_of_the_same_images(line):
    ceilings, shared = table(line, "a.ceilings"), table(line, "shared_images")
    effects = effects_table(summary_of(line), ceilings, shared)
    of_b = effects[effects["ceiling_name"] == "recording:b"].set_index("model")
    own = shared.set_index("model")
    assert set(of_b["n_images"]) == {70}
    for model in NETWORKS:
        ratio = own.loc[model, "r"] / own.loc[model, "ceiling"]
        assert of_b.loc[model, "r_over_ceiling"] == pytest.approx(ratio)
        assert of_b.loc[model, "above_ceiling"] == (ratio > 1)
    others = effects[effects["ceiling_name"] == "population"]
    assert set(others["n_images"]) == {90} and set(others["r"]) == {0.99}
    without = effects_table(summary_of(line), ceilings)
    assert set(without["ceiling_name"]) == {"population"}


def test_the_multiverse_divides_nothing_by_another_recording(line):
    scores = pd.DataFrame(
        {"recording": ["a"], "mapping": "pls", "metric": "r", "score": 0.5,
         "window_start": np.nan, "window_stop": np.nan}
    )  # fmt: skip
    found = multiverse.over_ceilings(scores, table(line, "a.ceilings"))
    assert set(found["ceiling"]) == {"none", "population"}


@pytest.mark.long
def test_the_figure_has_a_panel_for_each_pair_and_a_line_at_its_score(line, tmp_path):
    pairs, shared = table(line, "recording_pairs"), table(line, "shared_images")
    drawn = figure.draw(pairs, shared, "pls")
    assert artists.titles(drawn) == ["a from b", "b from a"]
    r = pairs.query("mapping == 'pls'").set_index("recording")["r"]
    for axes, name in zip(drawn.axes, "ab", strict=True):
        levels = {line.get_ydata()[0] for line in axes.lines if len(set(line.get_ydata())) == 1}
        assert r[name] in levels
    markers = [(x, y) for _, x, y in artists.points(drawn.axes[:1])]
    assert markers == sorted(zip(shared["top1"], shared["r"], strict=True), reverse=True)
    first = artists.written(drawn, tmp_path, "pairs")
    assert first == artists.written(figure.draw(pairs, shared, "pls"), tmp_path, "again")
    assert artists.smallest_text(drawn) >= 8 and not artists.is_cut_off(first[1])
    said = captions.of_recording_pairs(pairs, "pls")
    assert "Here: r = " in said and "(a from b); r = " in said


def test_the_curve_over_sites_ends_at_the_score_of_the_pair(line, tmp_path):
    counts, pairs = table(line, "site_counts"), table(line, "recording_pairs")
    r = pairs.query("mapping == 'pls'").set_index(["recording", "sources"])["r"]
    assert set(counts["recording"]) == {"a", "b"} and set(counts["mapping"]) == {"pls"}
    of_a = counts.query("recording == 'a'").set_index("n_source_sites")
    assert of_a["draws"].to_dict() == {1: 3, 2: 3, 4: 1}
    assert of_a.loc[4, "r"] == pytest.approx(r["a", "b"], abs=1e-12)
    assert (of_a["r_lowest"] <= of_a["r"]).all() and (of_a["r"] <= of_a["r_highest"]).all()
    drawn = site_counts.draw(counts)
    assert artists.titles(drawn) == ["a", "b"]
    assert not artists.is_cut_off(artists.written(drawn, tmp_path, "counts")[1])
    (curve,) = drawn.axes[0].lines
    np.testing.assert_array_equal(curve.get_xdata(), [1, 2, 4])
    np.testing.assert_allclose(curve.get_ydata(), of_a["r"].sort_index())
    assert "see the table" in site_counts.draw(counts.iloc[:0]).axes[0].texts[0].get_text()


def test_a_figure_without_a_pair_says_why(line):
    pairs = table(line, "recording_pairs").query("recording == 'c'")
    drawn = figure.draw(pairs, table(line, "shared_images").iloc[:0], "pls")
    (text,) = [one.get_text() for one in drawn.axes[0].texts]
    assert "a and c have no picture in common" in text


def test_the_report_sets_networks_beside_the_other_recording_without_a_percentage(line):
    pairs, shared = table(line, "recording_pairs"), table(line, "shared_images")
    (sentence,) = findings.from_others(PANEL, pairs, shared)
    assert "on the 70 images that were shown in b too, its 4 sites predict these" in sentence
    assert "of the same animal" in sentence and "no upper bound" in sentence
    assert "the best trained network, strong, reaches" in sentence
    assert "more than the other recording (95 % CI" in sentence and " % of" not in sentence
    assert findings.from_others(PANEL, None, None) == []
    two = pairs.assign(same_monkey="partly")
    (sentence,) = findings.from_others(PANEL, two, shared)
    assert "It is partly of the same animal" in sentence
    drawn = figure.draw(two, shared, "pls", simulated=["a"])
    assert artists.titles(drawn)[0] == "a from b (SIMULATED)"
    assert any("partly same animal, 70 images" in text for text in artists.texts(drawn))
    shown = reported(pairs)
    assert len(shown.rows) == len(pairs) and reported(None) is None


def test_scores_leave_one_target_at_a_time_and_are_read_so(line):
    """21 targets of two mappings; of a big recording they do not fit into memory together."""
    with parquet.ParquetFile(line / "a.scores.parquet") as file:
        assert file.num_row_groups == 2 * 21
        sizes = {file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)}
        assert sizes == {FOLDS * 6}
    whole = table(line, "a.scores")
    one = store.read_blocks(line / "a.scores.parquet", rows=1)
    found = pair_scores.medians(one)
    keys = ["mapping", "permutation", "fold"]
    expected = whole.groupby(keys, observed=True)["r"].median().sort_index()
    assert len(found) == len(expected) == 2 * 21 * FOLDS
    np.testing.assert_array_equal(found.set_index(keys)["r"].sort_index(), expected)


def test_networks_are_compared_one_at_a_time(rng):
    """12 networks of 400 images x 500 sites are 10 MB, and as rows with texts a multiple of that."""
    recorded = rng.standard_normal((400, 1, 1, 500))
    shared = pd.DataFrame({"ceiling_name": "recording:b", "image": np.arange(400),
                           "fold": np.repeat([f"f{k}" for k in range(10)], 40)})  # fmt: skip
    sites = [f"s{k}" for k in range(500)]
    r = fold_scores(recorded, recorded + rng.standard_normal(recorded.shape), shared)
    scores = pd.DataFrame({"fold": np.repeat([f"f{k}" for k in range(10)], 500), "site": sites * 10,
                           "r": r.ravel(), "mapping": "ridge", "window_start": np.nan,
                           "window_stop": np.nan})  # fmt: skip
    about = {"recording": "a", "protocol": "corrected", "ceiling_name": "recording:b"}
    pairs = Predicted(shared, {}, lambda about: scores, lambda window: recorded, 4, (0, 0))

    def networks(count):
        for k in range(count):
            noise = np.random.default_rng(k).standard_normal(recorded.shape, np.float32)
            yield f"net{k}", "w", (recorded + noise).astype(np.float32)

    peaks = []
    for count in (2, 12):
        tracemalloc.start()
        rows = pairs.networks([about], "ridge", networks(count))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert [row["model"] for row in rows] == [f"net{k}" for k in range(count)]
    assert peaks[1] < 1.1 * peaks[0]


@pytest.mark.parametrize("one_test_set", [False, True])
def test_what_predicts_the_same_differs_by_nothing_in_every_draw(rng, one_test_set):
    recorded = rng.standard_normal((60, 1, 1, 4))
    values = (recorded + rng.standard_normal(recorded.shape)).astype(np.float32)
    fold = ["test"] * 20 if one_test_set else np.repeat([f"f{k}" for k in range(5)], 12)
    shared = pd.DataFrame(
        {"ceiling_name": "recording:b", "image": np.arange(len(fold)), "fold": fold}
    )
    r = fold_scores(recorded, values, shared)
    names = [f"s{3 - k}" for k in range(4)]  # sites are in the order of the recording, not of names
    scores = pd.DataFrame({"fold": np.repeat(sorted(set(fold)), 4), "site": names * len(r),
                           "r": r.ravel(), "mapping": "ridge", "window_start": np.nan,
                           "window_stop": np.nan})  # fmt: skip
    kept = {"recording:b/ridge": values[:20]} if one_test_set else {}
    pairs = Predicted(shared, kept, lambda about: scores, lambda window: recorded, 50, (0, 1))
    about = {"recording": "a", "protocol": "corrected", "ceiling_name": "recording:b"}
    (row,) = pairs.networks([about], "ridge", [("net", "w", values)])
    assert row["difference"] == row["low"] == row["high"] == 0 and row["sites_higher"] == 0
    interval = pairs.interval(about, "ridge")
    assert (interval is not None) == one_test_set
    if one_test_set:
        assert interval == (row["r_low"], row["r_high"]) and interval[0] < row["r"] < interval[1]
