"""The figure of human attention holds what its table and photographs hold."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import plot_attention
import plot_conditions_gallery
from itcortex import store
from itcortex.attention.agreement import smooth
from itcortex.data.photographs import Photographs
from itcortex.errors import UserError
from itcortex.figures import attention, condition_gallery, gallery
from itcortex.numerics.ranks import correlate_ranks, unit_ranks
from made import artists
from made.artists import points, texts

MODELS = [  # name, weights, category, top-1, rho
    ("net_a", "imagenet", "cnn", 70.0, 0.2),
    ("net_b", "imagenet", "vit", 80.0, 0.3),
    ("net_b", "harmonized", "harmonized", 79.0, 0.5),
    ("net_c", "untrained", "untrained", 0.1, 0.05),
]


def row(**values) -> dict:
    """One row of the table."""
    rho, partial = values["rho"], values["rho"] / 2
    return {
        "attention": "osie", "map_kind": "eye", "saliency": "raw", "control": "none",
        "n_images": 120, "undefined": 0, "label_source": "predicted",
        "rho_low": rho - 0.02, "rho_high": rho + 0.02, "rho_partial": partial,
        "rho_partial_low": partial - 0.01, "rho_partial_high": partial + 0.01,
        "family": values.get("model", ""), "condition": "", "ceiling_name": "half_half", "ceiling": 0.79,
        "ceiling_partial": 0.7,
    } | values  # fmt: skip


@pytest.fixture
def table():
    """Four models on two kinds of maps, raw and blurred, and the control."""
    rows = []
    for kind in ("eye", "mouse"):
        for model, weights, category, top1, rho in MODELS:
            about = {"model": model, "weights": weights, "category": category, "top1": top1}
            rows.append(row(**about, rho=rho, map_kind=kind))
            rows.append(row(**about, rho=rho + 0.1, map_kind=kind, saliency="blurred"))
        about = {"model": "", "weights": "", "category": "", "top1": np.nan, "saliency": ""}
        rows.append(row(**about, rho=0.55, map_kind=kind, control="centre_bias"))
    return pd.DataFrame(rows)


@pytest.fixture
def photographs(rng):
    """Four photographs, twice as wide as high."""
    jpegs = []
    for _ in range(4):
        content = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (60, 120, 3), dtype=np.uint8)).save(content, "JPEG")
        jpegs.append(content.getvalue())
    maps = rng.random((4, 224, 224), dtype=np.float32)
    return Photographs(tuple(f"{k}.jpg" for k in range(4)), tuple(jpegs), {"eye": maps})


@pytest.fixture
def examples(photographs, rng):
    """Saliency of two models: one is the map itself more and more in noise, one has none."""
    ids = ["0.jpg", "2.jpg", "3.jpg"]
    maps = photographs.maps["eye"][[0, 2, 3]]
    blurred = np.stack([smooth(one, 0.03) for one in rng.random((3, 224, 224))])
    noise = blurred - blurred.mean()
    found = maps - 0.5 + np.array([30, 0, 10])[:, None, None] * noise
    return {"good": (ids, found), "blind": (ids[::-1], np.zeros((3, 224, 224)))}


# --- panels ---------------------------------------------------------------------------------------


def test_every_model_is_drawn_at_its_scores_in_every_panel(table):
    found = points(attention.draw(table).axes)
    assert len(found) == 2 * 2 * 4  # two scores, two kinds of maps, four models
    for category, top1, rho in (("cnn", 70.0, 0.2), ("vit", 80.0, 0.3), ("harmonized", 79.0, 0.5)):
        assert found.count((category, top1, rho)) == 2
        assert found.count((category, top1, rho / 2)) == 2
    assert sorted(y for name, _, y in found if name == "untrained") == [0.025, 0.025, 0.05, 0.05]


@pytest.mark.long
def test_smoothed_saliency_can_be_drawn_instead(table):
    figure = attention.draw(table, saliency="blurred")
    assert ("cnn", 70.0, pytest.approx(0.3)) in points(figure.axes)
    assert any("smoothed saliency" in text for text in texts(figure))


def test_ceilings_and_centre_bias_are_lines_with_their_numbers(table):
    figure = attention.draw(table)
    found = texts(figure)
    assert found.count("people 0.79") == found.count("people 0.70") == 2
    assert found.count("nearness to the centre 0.55") == 2  # not where it is regressed out
    levels = [line.get_ydata()[0] for axes in figure.axes for line in axes.lines
              if len(line.get_xdata()) == 2 and list(line.get_xdata()) == [0, 1]]  # fmt: skip
    assert {0.79, 0.7, 0.55, 0} <= set(levels)
    assert {"agreement of people", "centre bias (control)", "untrained"} <= set(found)


def test_a_set_without_partial_ceiling_and_untrained_models_is_drawn(table):
    alone = table[(table.map_kind == "eye") & (table.category != "untrained")]
    figure = attention.draw(
        alone.assign(attention="clickme", map_kind="clicks", ceiling_partial=np.nan)
    )
    assert len(figure.axes) == 2 and "ClickMe: clicks" in texts(figure)
    assert [text for text in texts(figure) if text.startswith("people")] == ["people 0.79"]


@pytest.mark.long
def test_names_stand_once_and_tell_weights_apart(table):
    found = texts(attention.draw(table))
    for name in ("net_a", "net_b imagenet", "net_b harmonized", "net_c"):
        assert found.count(name) == 1


@pytest.mark.long
def test_many_models_have_no_names(table):
    many = pd.concat([table.assign(model=table.model + str(k)) for k in range(4)])
    assert not any("net_" in text for text in texts(attention.draw(many)))


@pytest.mark.long
def test_heads_say_what_was_scored_and_what_is_undefined(table):
    table.loc[table.model == "net_c", "undefined"] = 7
    found = texts(attention.draw(table))
    assert "OSIE: eye fixations" in found
    assert "120 photographs, predicted class\nup to 7 undefined" in found


@pytest.mark.long
def test_a_model_without_a_score_is_left_out(table):
    table.loc[table.model == "net_a", ["rho", "rho_low", "rho_high"]] = np.nan
    found = points(attention.draw(table).axes)
    assert [name for name, _, _ in found].count("cnn") == 2  # the partial scores


def test_empty_table_and_unknown_category_are_errors(table):
    with pytest.raises(UserError, match="no rows"):
        attention.draw(table.iloc[:0])
    table.loc[table.category == "vit", "category"] = "vitt"
    with pytest.raises(UserError, match="'vitt' has no look; did you mean 'vit'"):
        attention.draw(table)


# --- gallery --------------------------------------------------------------------------------------


def test_gallery_joins_by_id_and_orders_by_agreement(photographs, examples):
    joined = gallery.join(photographs, {"good": examples["good"]}, 3, 0.03)
    # made with noise 30, 0 and 10 for photographs 0, 2 and 3
    assert joined.image_ids == ("2.jpg", "3.jpg", "0.jpg")
    np.testing.assert_array_equal(joined.human["eye"], photographs.maps["eye"][[2, 3, 0]])
    expected = correlate_ranks(
        unit_ranks(smooth(examples["good"][1][1], 0.03)), unit_ranks(photographs.maps["eye"][2])
    )
    assert joined.rho["good"][0] == pytest.approx(expected)
    assert joined.rho["good"][0] > joined.rho["good"][1] > joined.rho["good"][2]


def test_examples_of_models_in_another_order_are_joined_by_id(photographs, examples):
    ids, maps = examples["good"]
    turned = gallery.join(photographs, {"a": (ids, maps), "b": (ids[::-1], maps[::-1])}, 3, 0.03)
    np.testing.assert_array_equal(turned.saliency["a"], turned.saliency["b"])


def test_fewer_photographs_run_from_the_best_to_the_worst(photographs, examples):
    joined = gallery.join(photographs, {"good": examples["good"]}, 2, 0.03)
    assert joined.image_ids == ("2.jpg", "0.jpg")


def test_examples_without_a_shared_photograph_are_an_error(photographs, examples):
    other = (["1.jpg"], np.zeros((1, 224, 224)))
    with pytest.raises(UserError, match="share no photograph"):
        gallery.join(photographs, {"good": examples["good"], "other": other}, 2, 0.03)


@pytest.mark.long
def test_photographs_keep_their_shape_and_undefined_saliency_says_so(table, photographs, examples):
    joined = gallery.join(photographs, examples, 2, 0.03)
    figure = attention.draw(table, joined)
    width, height = figure.get_size_inches()
    boxes = [axes.get_position() for axes in figure.axes if axes.images]
    assert len(boxes) == 2 * (1 + 1 + 2)
    for box in boxes:
        assert box.width * width / (box.height * height) == pytest.approx(2)
    assert texts(figure).count("undefined") == 2
    assert any(text.startswith("ρ 0.") or text.startswith("ρ 1.") for text in texts(figure))


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.long
def test_one_network_is_shown_under_every_condition(photographs, examples, tmp_path):
    store.write_photographs(tmp_path / "osie.parquet", photographs)
    paths, names = [], ["strength 0", "human maps", "the mean map"]
    for name, (ids, maps) in zip(names, [*examples.values(), examples["good"]], strict=True):
        paths.append(tmp_path / f"{name}.h5")
        store.write_arrays(paths[-1], {"saliency": maps}, {"image_ids": ids})
    images = [f"{k}.jpg" for k in range(10)]  # of all held-out ones, four have examples
    rises = {"strength 0": [0] * 10, "human maps": [5, 9, 1, -2, 6, 7, 8, 2, 3, -1],
             "the mean map": [-1] * 10}  # fmt: skip
    about = {"control": "none", "map_kind": "eye", "saliency": "blurred"}
    scores = [tmp_path / f"{name}.parquet" for name in names]
    for name, path in zip(names, scores, strict=True):
        rho = 0.2 + 0.01 * np.array(rises[name])
        table_of = pd.DataFrame({"image": images, "rho": rho}).assign(**about)
        store.write_table(path, pd.concat([table_of, table_of.assign(saliency="raw", rho=9.0)]))
    files = [tmp_path / f"a.{kind}" for kind in ("pdf", "png", "rst")]
    about = {"data_format": "osie", "names": names, "network": "net", "n_images": 3, "blur": 0.03}
    plot_conditions_gallery.main(
        tmp_path / "osie.parquet",
        paths,
        scores,
        *files,
        **about,
        title="A title",
        caption="A caption.",
    )
    said = Image.open(files[1]).text["Description"]
    assert "ρ rises in 8 of 10 photographs (80 %), of the 3 shown in 2 (human maps)" in said
    assert "ρ rises in 0 of 10 photographs (0 %), of the 3 shown in 0 (the mean map)" in said
    tables = dict(zip(names, map(store.read_table, scores), strict=True))
    changed = condition_gallery.changes(tables, "eye")
    joined = gallery.join(photographs, {"strength 0": examples["good"]}, 3, 0.03)
    ordered = condition_gallery.in_order(joined, changed)
    assert ordered.image_ids == ("0.jpg", "2.jpg", "3.jpg")  # by +0.05, +0.01, -0.02
    assert ordered.notes["0.jpg"] == "+0.05\n5 of 10"
    assert ordered.notes["3.jpg"] == "\N{MINUS SIGN}0.02\n10 of 10"
    np.testing.assert_array_equal(ordered.human["eye"], photographs.maps["eye"][[0, 2, 3]])
    assert not artists.is_cut_off(files[1].read_bytes())
    shown = {name: (ids, maps) for name, (ids, maps) in examples.items()}
    figure = condition_gallery.draw(gallery.join(photographs, shown, 3, 0.03), "net")
    assert {"net", "photograph", "good", "blind", "networks' saliency"} <= set(texts(figure))


@pytest.mark.long
def test_script_draws_the_same_bytes_twice_and_cuts_nothing_off(
    table, photographs, examples, tmp_path
):
    store.write_table(tmp_path / "attention.parquet", table)
    store.write_photographs(tmp_path / "osie.parquet", photographs)
    paths = []
    for label, (ids, maps) in examples.items():
        paths.append(tmp_path / f"{label}.h5")
        store.write_arrays(paths[-1], {"saliency": maps}, {"image_ids": ids})
    written = []
    for k in range(2):
        files = [tmp_path / f"{k}.{kind}" for kind in ("pdf", "png", "rst")]
        plot_attention.main(
            tmp_path / "attention.parquet", tmp_path / "osie.parquet", paths, *files, "osie",
            list(examples), 3, 0.03, "raw", 20, 0, "A title", "A caption.",
        )  # fmt: skip
        written.append([path.read_bytes() for path in files])
    assert written[0] == written[1]
    assert not artists.is_cut_off(written[0][1])
    assert "over 551 networks its lab finds" in Image.open(files[1]).text["Description"]


@pytest.mark.long
def test_no_text_is_smaller_than_8_points(table, photographs, examples):
    figure = attention.draw(table, gallery.join(photographs, examples, 3, 0.03))
    assert artists.smallest_text(figure) >= 8
