"""Every published table of scores comes into one layout, or its change is named."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from itcortex.data.published.scores import layout, readers
from itcortex.data.published.scores.ours import of_summary
from itcortex.errors import UserError
from made import scores as made
from made import tables

WRITERS = {
    "gokce2025": made.gokce_csv,
    "brainscore_web": lambda path: made.brainscore_json(path.with_suffix(".json")),
    "onevision": made.onevision_csv,
    "cornet2019": made.cornet_csv,
    "maps": made.maps_csv,
    "figure": made.figure_csv,
}


def read(data_format, tmp_path) -> pd.DataFrame:
    """The made table of a format, read."""
    if data_format == "deepnsd":
        return readers.read_scores("made", data_format, made.deepnsd_csvs(tmp_path))
    path = WRITERS[data_format](tmp_path / "table.csv")
    return readers.read_scores("made", data_format, [path])


def one(table, **values) -> pd.Series:
    """The only row with these values."""
    for name, value in values.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return table.iloc[0]


@pytest.mark.parametrize("data_format", readers.READERS)
def test_every_format_has_the_same_columns_and_types(data_format, tmp_path):
    table = read(data_format, tmp_path)
    assert {name: str(kind) for name, kind in table.dtypes.items()} == layout.COLUMNS
    assert set(table["metric"]) <= set(layout.METRICS)
    assert (table["source"] == "made").all()


def test_accuracy_of_gokce_is_that_of_networks_trained_on_imagenet(tmp_path):
    table = read("gokce2025", tmp_path)
    of_it = table[table["region"] == "IT"].set_index("model")
    assert of_it.loc["resnet18_imagenet_full", "accuracy"] == pytest.approx(69.54)
    assert np.isnan(of_it.loc["resnet18_ecoset_full", "accuracy"])  # .62, but of 565 other classes
    assert of_it["timm"].tolist() == ["", "", "convnext_tiny.fb_in1k", "", "", ""]
    assert of_it["family"].tolist() == ["resnet", "resnet", "convnext", "resnet", "vit", "alexnet"]
    assert of_it["supervised"].tolist() == [True, True, True, False, True, True]
    assert of_it["adversarial"].tolist() == [False, False, False, False, True, False]
    assert of_it["trained"].tolist() == [True, True, True, True, True, False]
    assert set(table.loc[table["region"] == "behaviour", "metric"]) == {"i2n"}


def test_the_leaderboard_joins_scores_with_top1_by_model(tmp_path):
    table = read("brainscore_web", tmp_path)
    row = one(table, model="mobilenet_v1_0.25_128", region="IT")
    assert (row.accuracy, row.score, row.family) == (41.5, 0.50, "mobilenet")
    assert np.isnan(one(table, model="vgg-16", region="V4").accuracy)
    assert set(table["benchmark"]) == {
        "dicarlo.MajajHong2015.V4-pls",
        "dicarlo.MajajHong2015.IT-pls",
        "dicarlo.Rajalingham2018-i2n",
    }


def test_the_leaderboard_without_addresses_is_the_same_table(tmp_path):
    scores = made.brainscore_scores()
    scores.to_csv(tmp_path / "reduced.csv", index=False)
    reduced = readers.read_scores("made", "brainscore_web", [tmp_path / "reduced.csv"])
    pd.testing.assert_frame_equal(reduced, read("brainscore_web", tmp_path))
    assert "example.org" not in read("brainscore_web", tmp_path).to_csv()


def test_alignment_with_people_is_read_for_both_sets_of_photographs(tmp_path):
    table = read("onevision", tmp_path)
    row = one(table, model="efficientvit_b0.r224_in1k", benchmark="ClickMe")
    assert (row.accuracy, row.score, row.timm) == (71.4, 1.38, "efficientvit_b0.r224_in1k")
    assert one(table, model="seresnet50.ra2_in1k", benchmark="CO3D").score == 0.61


def test_repeated_rows_of_maps_count_once_and_namesakes_stay(tmp_path):
    table = read("maps", tmp_path)
    assert (
        table["model"].tolist()
        == ["convnext_tiny:in12k_ft_in1k", "vonegrcnn_47e"] + ["alexnet"] * 2
    )
    assert table["timm"].tolist() == ["convnext_tiny.in12k_ft_in1k", "", "", ""]
    assert table["accuracy"].tolist() == pytest.approx([80.5, 60, 51.9, 57.7])


def test_networks_of_deepnsd_have_the_family_of_their_architecture(tmp_path):
    table = read("deepnsd", tmp_path)
    table = table[table["metric"] == "crsa"].set_index("model")
    assert table["family"].tolist() == ["alexnet", "regnet", "resnet", "vit"]
    assert table.loc["alexnet_classification", "accuracy"] == 56.522
    assert table["accuracy"].isna().tolist() == [False, True, True, True]
    assert table["trained"].tolist() == [True, True, True, False]
    assert table["supervised"].isna().tolist() == [False, False, True, True]
    assert table["supervised"].tolist()[:2] == [True, False]


def test_scores_that_a_table_does_not_have_are_left_out(tmp_path):
    table = read("cornet2019", tmp_path)
    assert table["benchmark"].value_counts().to_dict() == {
        "V4": 4, "Behavior": 4, "IT": 3, "IT (new data)": 1, "IT (new images)": 1,
        "Behavior (new data)": 1,
    }  # fmt: skip
    assert one(table, model="vgg-16", benchmark="V4").accuracy == pytest.approx(71.5)


def test_points_of_the_figure_have_no_names_and_our_categories(tmp_path):
    table = read("figure", tmp_path)
    assert table["model"].tolist() == ["M1_PL 1", "M1_PL 2", "M1_ML 1"]
    assert table["family"].tolist() == table["model"].tolist()
    assert table["category"].tolist() == ["cnn", "harmonized", "self_supervised"]
    assert table["benchmark"].tolist() == ["M1 PL", "M1 PL", "M1 ML"]


def test_our_summary_gives_recordings_of_its_main_window():
    models = [("resnet18", "a1_in1k", "cnn", "resnet", 70.0, 0.5)]
    summary = tables.summary(models=models, simulated=False)
    scores = of_summary(summary, "ours")
    assert set(scores["benchmark"]) == {
        f"{name} pls leave_one_image_out" for name in tables.RECORDINGS
    }
    assert set(scores["timm"]) == {"resnet18.a1_in1k"}
    assert set(scores["region"]) == {"IT"}
    main = summary[summary["main_window"] & (summary["control"] == "none")]
    assert sorted(scores["score"]) == sorted(main["r"])
    assert of_summary(tables.summary(models=models, simulated=True), "ours").empty


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("data_format", sorted({*WRITERS} - {"brainscore_web"}))
def test_a_column_that_is_gone_is_named(data_format, tmp_path):
    path = WRITERS[data_format](tmp_path / "table.csv")
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    last = [
        name for name in lines[0].split(",") if not name.startswith(("acc", "Paper", "visible"))
    ][-2]
    path.write_text("\n".join([lines[0].replace(last, "renamed", 1), *lines[1:]]))
    with pytest.raises(UserError, match=r"the published table has changed: no column '") as error:
        readers.read_scores("made", data_format, [path])
    assert repr(last) in str(error.value)


def test_a_field_of_the_website_that_is_gone_is_named(tmp_path):
    path = made.brainscore_json(tmp_path / "scores.json")
    path.write_text(path.read_text().replace("score_raw", "raw"))
    with pytest.raises(UserError, match=r"no column 'score_raw' among .*'raw'"):
        readers.read_scores("made", "brainscore_web", [path])


@pytest.mark.parametrize("content", ["<html>moved</html>", '{"detail": "gone"}', '[{"a": 1}]'])
def test_another_kind_of_file_is_no_list_of_scores(content, tmp_path):
    path = tmp_path / "scores.json"
    path.write_text(content)
    with pytest.raises(UserError, match="not the website's list of scores"):
        readers.read_scores("made", "brainscore_web", [path])


def test_a_leaderboard_without_top1_has_changed(tmp_path):
    scores = made.brainscore_scores()
    path = made.brainscore_json(
        tmp_path / "a.json", scores[~scores["benchmark"].str.contains("top1")]
    )
    with pytest.raises(UserError, match="top1"):
        readers.read_scores("made", "brainscore_web", [path])


def test_a_cell_that_is_no_number_is_named(tmp_path):
    path = made.onevision_csv(tmp_path / "table.csv")
    path.write_text(path.read_text().replace("80.3", "about 80"))
    with pytest.raises(UserError, match=r"column 'imgnet_acc', row 2: 'about 80' is no number"):
        readers.read_scores("made", "onevision", [path])


def test_a_flag_that_is_neither_true_nor_false_is_named(tmp_path):
    path = made.gokce_csv(tmp_path / "table.csv")
    path.write_text(path.read_text().replace("True", "yes", 1))
    with pytest.raises(UserError, match="'yes' is neither True nor False"):
        readers.read_scores("made", "gokce2025", [path])


def test_an_accuracy_in_another_unit_is_refused(tmp_path):
    path = made.cornet_csv(tmp_path / "table.csv")
    path.write_text(path.read_text().replace("0.774", "77.4"))
    with pytest.raises(UserError, match=r"'resnet-101_v2': top-1 of 7740 % is not possible"):
        readers.read_scores("made", "cornet2019", [path])


def test_a_region_that_nobody_knows_is_named(tmp_path):
    path = made.gokce_csv(tmp_path / "table.csv")
    path.write_text(path.read_text().replace(",Behavioral,", ",Prefrontal,"))
    with pytest.raises(UserError, match="region 'Prefrontal' is unknown"):
        readers.read_scores("made", "gokce2025", [path])


def test_an_unknown_format_offers_the_known_ones():
    with pytest.raises(UserError, match="did you mean 'onevision'"):
        readers.read_scores("made", "onevison", ["a.csv"])


# --- the published tables themselves --------------------------------------------------------------


def rho_above(table, cut) -> tuple[float, int]:
    """Spearman's rho (scipy) of accuracy and score from `cut` percent on, and the number of networks."""
    part = table[table["accuracy"] >= cut]
    return round(float(spearmanr(part["accuracy"], part["score"]).statistic), 2), len(part)


PUBLISHED = [
    ("gokce2025", "scaling_primate_vvs_benchmark_scores.csv", "dicarlo.MajajHong2015public.IT-pls",
     {0: (0.76, 412), 20: (0.46, 237), 60: (-0.11, 129), 70: (-0.30, 77), 75: (-0.31, 40)}),
    ("brainscore_web", "brainscore_web_2021_scores.csv", "dicarlo.MajajHong2015.IT-pls",
     {0: (0.27, 76), 50: (0.02, 68), 60: (-0.30, 56), 70: (-0.48, 34), 75: (-0.69, 21)}),
    ("brainscore_web", "brainscore_web_2021_scores.csv", "dicarlo.MajajHong2015.V4-pls",
     {0: (0.62, 76), 50: (0.55, 68), 70: (-0.07, 34), 75: (-0.62, 21)}),
    ("onevision", "onevision_model_type_reference.csv", "ClickMe",
     {0: (-0.65, 552), 60: (-0.65, 551), 70: (-0.63, 528), 75: (-0.60, 473)}),
]  # fmt: skip


@pytest.mark.shared
@pytest.mark.parametrize(("data_format", "file", "benchmark", "expected"), PUBLISHED)
def test_real_tables_give_the_known_correlations(data_format, file, benchmark, expected, shared):
    path = shared / "data" / "published" / file
    table = readers.read_scores("real", data_format, [path]).dropna(subset="accuracy")
    table = table[table["benchmark"] == benchmark]
    assert {cut: rho_above(table, cut) for cut in expected} == expected


@pytest.mark.shared
def test_supervised_networks_of_gokce_fall_too(shared):
    path = shared / "data" / "published" / "scaling_primate_vvs_benchmark_scores.csv"
    table = readers.read_scores("real", "gokce2025", [path]).dropna(subset="accuracy")
    table = table[(table["region"] == "IT") & table["supervised"] & ~table["adversarial"]]
    expected = {0: (0.88, 333), 20: (0.58, 184), 50: (0.28, 128), 60: (0.04, 103), 70: (-0.22, 71)}
    found = {cut: rho_above(table, cut) for cut in expected}
    assert {cut: rho for cut, (rho, _) in found.items()} == {
        k: rho for k, (rho, _) in expected.items()
    }
    assert found[0][1] == 333


@pytest.mark.shared
def test_the_website_s_file_is_read_as_its_reduced_form(shared, tmp_path):
    path = shared / "data" / "published" / "brainscore_web_2021_scores.csv"
    whole = made.brainscore_json(tmp_path / "scores.json", pd.read_csv(path))
    found = [readers.read_scores("real", "brainscore_web", [one]) for one in (path, whole)]
    pd.testing.assert_frame_equal(*found)


@pytest.mark.shared
def test_remaining_real_tables_have_the_known_networks(shared):
    folder = shared / "data" / "published"
    nsd = readers.read_scores(
        "nsd",
        "deepnsd",
        [folder / "deepnsd_results_summary.csv", folder / "deepnsd_imagenet1k.csv"],
    )
    assert nsd.groupby("metric")["model"].nunique().tolist() == [224] * 3
    assert nsd.dropna(subset="accuracy").groupby("metric").size().tolist() == [99] * 3
    cornet = readers.read_scores("cornet", "cornet2019", [folder / "neurips2019_data.csv"])
    assert cornet["benchmark"].value_counts()["IT"] == 238
    maps = readers.read_scores("maps", "maps", [folder / "maps_top1_i2n.csv"])
    assert len(maps) == 260  # of 262 rows, two of which say the same again
    figure = readers.read_scores(
        "f", "figure", [shared / "data" / "paper" / "figure3_digitized.csv"]
    )
    plain = figure[figure["category"] != "harmonized"]
    found = {name: rho_above(rows, 0)[0] for name, rows in plain.groupby("benchmark")}
    assert found == {"M1 ML": -0.21, "M1 PL": -0.07, "M2 ML": 0.11}
