"""Agreement with human attention: known answers, controls, undefined cases, the rules' scripts."""

import io

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.stats import multivariate_normal, spearmanr
from torch import nn

import collect_attention
import score_attention
from itcortex import store
from itcortex.attention import agreement
from itcortex.data.photographs import MAP_SIDE, Photographs, total_maps
from itcortex.errors import UserError
from itcortex.networks.network import Network
from itcortex.numerics import ranks as numerics_ranks
from itcortex.numerics import sampling
from itcortex.tables import summary as tables_summary
from itcortex.weights.state import digest

SIDE = MAP_SIDE
LABELS = {"attention": "osie", "model": "net", "weights": "imagenet"}


def smooth_maps(rng, count) -> np.ndarray:
    """Maps that vary slowly, so that blurring changes them little."""
    small = rng.random((count, 5, 5), dtype=np.float32)
    return np.stack(
        [
            np.asarray(Image.fromarray(one).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
            for one in small
        ]
    )


def photographs(rng, count=4, kinds=("eye",), labels=None, reference=False) -> Photographs:
    """Photographs of noise with smooth maps."""
    jpegs = []
    for _ in range(count):
        content = io.BytesIO()
        pixels = rng.integers(0, 256, (256, 256, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(content, format="JPEG")
        jpegs.append(content.getvalue())
    maps = {kind: smooth_maps(rng, count) for kind in kinds}
    names = tuple(f"{1001 + k}.jpg" for k in range(count))
    return Photographs(names, tuple(jpegs), maps, labels, reference)


def scored(shown, saliency, blur=0.03, labels=None) -> pd.DataFrame:
    """Scores of made saliency, with all of the set's photographs in one file."""
    classes = labels or [0] * len(saliency)
    totals, count = total_maps([shown])
    return agreement.score(shown, zip(saliency, classes, strict=True), totals, count, blur)


def of(table, control="none", saliency="raw", column="rho"):
    """A column of one control, in the order of photographs."""
    return table[(table["control"] == control) & (table["saliency"] == saliency)][column].to_numpy()


# --- ranks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ties", [False, True])
def test_rho_is_scipys(rng, ties):
    a, b = rng.normal(size=(2, SIDE, SIDE))
    b += a
    if ties:
        a, b = np.maximum(a, 0.3), np.round(b)
    expected = spearmanr(a.ravel(), b.ravel()).statistic
    found = numerics_ranks.correlate_ranks(
        numerics_ranks.unit_ranks(a), numerics_ranks.unit_ranks(b)
    )
    assert found == pytest.approx(expected, abs=2e-6)  # ranks are kept in float32


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_rho_sees_ranks_only(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, 40, 40))
    ranks = numerics_ranks.unit_ranks(b)
    rho = numerics_ranks.correlate_ranks(numerics_ranks.unit_ranks(a), ranks)
    assert (
        numerics_ranks.correlate_ranks(numerics_ranks.unit_ranks(np.exp(3 * a) - 7), ranks) == rho
    )
    assert numerics_ranks.correlate_ranks(numerics_ranks.unit_ranks(-a), ranks) == pytest.approx(
        -rho, abs=1e-6
    )


@pytest.mark.parametrize("value", [0.0, 3.0])
def test_a_constant_map_has_no_ranks(value):
    assert numerics_ranks.unit_ranks(np.full((8, 8), value)) is None


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_map_that_is_not_finite_has_no_ranks(rng, value):
    values = rng.random((8, 8))
    values[3, 4] = value
    assert numerics_ranks.unit_ranks(values) is None


def test_partial_correlation_is_that_of_regression_residuals(rng):
    a, b, c = rng.normal(size=(3, 500))
    a, b = a + c, b - 2 * c + 0.5 * a

    def left(values):
        return values - np.polyval(np.polyfit(c, values, 1), c)

    expected = np.corrcoef(left(a), left(b))[0, 1]
    r = np.corrcoef([a, b, c])
    assert numerics_ranks.partial(r[0, 1], r[0, 2], r[1, 2]) == pytest.approx(expected, abs=1e-12)
    assert np.isnan(numerics_ranks.partial(0.5, 1.0, 0.5))
    assert np.isnan(numerics_ranks.partial(0.5, np.nan, 0.5))


@pytest.mark.parametrize("width", [0.1, 0.4])
def test_any_centred_gaussian_has_the_ranks_of_the_centre_bias(width):
    # wide enough that its tails are no ties of zeros
    steps = (np.arange(SIDE) + 0.5) / SIDE
    places = np.stack(np.meshgrid(steps, steps), axis=-1)
    bump = multivariate_normal([0.5, 0.5], np.eye(2) * width**2).logpdf(places).round(9)
    found = numerics_ranks.unit_ranks(agreement.centre_bias())
    assert numerics_ranks.correlate_ranks(found, numerics_ranks.unit_ranks(bump)) == pytest.approx(
        1, abs=1e-5
    )


# --- scores ---------------------------------------------------------------------------------------


def test_saliency_that_is_the_map_scores_one_and_its_opposite_minus_one(rng):
    shown = photographs(rng)
    eye = shown.maps["eye"]
    table = scored(shown, [eye[0], -eye[1], eye[2] ** 3, np.ones((SIDE, SIDE))])
    np.testing.assert_allclose(of(table), [1, -1, 1, np.nan], atol=1e-6)
    np.testing.assert_allclose(of(table, column="rho_partial"), [1, -1, 1, np.nan], atol=1e-4)


def test_every_row_is_what_scipy_makes_of_it(rng):
    shown, saliency = photographs(rng, kinds=("eye", "mouse")), smooth_maps(rng, 4)
    table = scored(shown, saliency, labels=[5, 6, 7, 8])
    assert len(table) == 4 * 2 * (2 * 2 + 2)
    assert table.groupby("image")["label"].first().tolist() == [5, 6, 7, 8]
    assert set(table["label_source"]) == {"predicted"}
    mouse = shown.maps["mouse"].astype(float)

    def rho(a, b):
        return spearmanr(np.ravel(a), np.ravel(b)).statistic

    for k in range(4):
        rows = table[(table["image"] == shown.image_ids[k]) & (table["map_kind"] == "mouse")]
        found = rows.set_index(["saliency", "control"])["rho"]
        others = np.delete(mouse, k, axis=0).mean(0)
        expected = {
            ("raw", "none"): rho(saliency[k], mouse[k]),
            ("raw", "shuffled_images"): rho(saliency[k], mouse[(k + 2) % 4]),
            ("blurred", "none"): rho(agreement.smooth(saliency[k], 0.03), mouse[k]),
            ("", "centre_bias"): rho(agreement.centre_bias(), mouse[k]),
            ("", "other_images"): rho(others, mouse[k]),
        }
        for key, value in expected.items():
            assert found[key] == pytest.approx(value, abs=5e-6), key
        partial = numerics_ranks.partial(
            expected["raw", "none"], rho(saliency[k], others), expected["", "other_images"]
        )
        assert rows["rho_partial"].iloc[0] == pytest.approx(partial, abs=2e-5)


def test_partial_score_is_zero_for_a_network_that_only_likes_the_usual_places(rng):
    """Everybody looks at one common place and at one of their own; the network knows the common one."""
    common = 3 * smooth_maps(rng, 1)[0]
    own = rng.normal(size=(40, SIDE, SIDE)).astype(np.float32)
    names = tuple(map(str, range(40)))
    shown = Photographs(names, (b"",) * 40, {"eye": common + own})
    noise = rng.normal(size=(40, SIDE, SIDE))
    usual, both = scored(shown, common + noise), scored(shown, common + own + noise)
    # the mean of 39 others still holds a little of their own noise
    assert of(usual).mean() > 0.3 and abs(of(usual, column="rho_partial").mean()) < 0.04
    # own and own + noise: r = sqrt(1/2)
    assert of(both, column="rho_partial").mean() == pytest.approx(0.69, abs=0.05)
    assert of(both, "shuffled_images").mean() < of(both).mean() - 0.3


def test_smoothing_undoes_noise_that_is_finer_than_maps(rng):
    shown = photographs(rng, 2)
    noisy = shown.maps["eye"] + rng.normal(0, 1, (2, SIDE, SIDE))
    table = scored(shown, noisy)
    assert (of(table) < 0.35).all() and (of(table, saliency="blurred") > 0.9).all()


def test_a_set_of_one_photograph_has_no_others(rng):
    table = scored(photographs(rng, 1), smooth_maps(rng, 1))
    undefined = table[table["rho"].isna()]
    assert set(undefined["control"]) == {"shuffled_images", "other_images"}
    assert table["rho_partial"].isna().all()


def test_parts_of_a_set_score_as_the_whole_but_for_the_shuffled_partner(rng):
    shown, saliency = photographs(rng, 4), smooth_maps(rng, 4)
    parts = [
        Photographs(shown.image_ids[s], shown.jpegs[s], {"eye": shown.maps["eye"][s]})
        for s in (slice(0, 3), slice(3, 4))
    ]
    totals, count = total_maps(iter(parts))
    tables_summary = [
        agreement.score(part, zip(some, [0] * 4, strict=False), totals, count, 0.03)
        for part, some in zip(parts, (saliency[:3], saliency[3:]), strict=True)
    ]
    whole, joined = scored(shown, saliency), pd.concat(tables_summary, ignore_index=True)
    same = whole["control"] != "shuffled_images"
    pd.testing.assert_frame_equal(whole[same], joined[same], atol=1e-6)


def test_maps_of_another_size_are_refused():
    with pytest.raises(UserError, match=r"need maps \(2, 224, 224\); 'eye' is \(2, 64, 64\)"):
        Photographs(("a", "b"), (b"", b""), {"eye": np.zeros((2, 64, 64))})


@pytest.mark.parametrize(
    ("count", "wanted", "expected"), [(120, 3, [0, 60, 119]), (2, 5, [0, 1]), (1, 1, [0])]
)
def test_examples_are_spread_over_the_set(count, wanted, expected):
    assert sampling.spread(count, wanted) == expected


# --- summary --------------------------------------------------------------------------------------


def raw(values, model="net", control="none", partial=None, **more) -> pd.DataFrame:
    """Scores of some photographs."""
    rows = {
        "image": [f"{k}.jpg" for k in range(len(values))],
        "label_source": "label", "label": 0, "map_kind": "eye",
        "saliency": "" if control in agreement.MODEL_FREE else "raw", "control": control,
        "rho": values, "rho_partial": np.nan if partial is None else partial,
        "attention": "osie", "model": model, "weights": "imagenet",
    }  # fmt: skip
    return pd.DataFrame(rows | more)


CEILINGS = pd.DataFrame(
    {
        "attention": "osie", "map_kind": "eye", "image": ["0.jpg", "1.jpg"] * 2,
        "ceiling_name": ["half_half"] * 2 + ["half_half_partial"] * 2, "value": [0.7, 0.9, 0.4, 0.6],
    }
)  # fmt: skip


def test_summary_holds_means_intervals_ceilings_and_counts_what_is_undefined(rng):
    values = rng.normal(0.4, 0.1, 200)
    values[7] = np.nan
    table = agreement.summarise(
        raw(values, partial=values / 2), CEILINGS, {"osie": "half_half"}, 2000, rng
    )
    (row,) = table.to_dict("records")
    defined = values[np.isfinite(values)]
    assert (row["n_images"], row["undefined"], row["label_source"]) == (200, 1, "label")
    assert row["rho"] == pytest.approx(defined.mean())
    error = defined.std() / np.sqrt(len(defined))
    assert row["rho_low"] == pytest.approx(row["rho"] - 1.96 * error, abs=0.2 * error)
    assert row["rho_high"] == pytest.approx(row["rho"] + 1.96 * error, abs=0.2 * error)
    assert (row["ceiling_name"], row["ceiling"]) == ("half_half", pytest.approx(0.8))
    assert row["rho_over_ceiling"] == pytest.approx(row["rho"] / 0.8)
    assert row["rho_over_ceiling_low"] == pytest.approx(row["rho_low"] / 0.8)
    assert row["ceiling_partial"] == pytest.approx(0.5)
    assert row["rho_partial_over_ceiling"] == pytest.approx(row["rho_partial"] / 0.5)


def test_a_model_without_any_defined_score_has_none(rng):
    table = agreement.summarise(raw([np.nan, np.nan]), CEILINGS, {"osie": "half_half"}, 100, rng)
    assert table["undefined"].tolist() == [2]
    assert table[["rho", "rho_low", "rho_high", "rho_over_ceiling"]].isna().all(axis=None)


def test_controls_without_a_model_come_once_a_set(rng):
    parts = [raw([0.1, 0.3], m) for m in "ab"]
    parts += [raw([0.5, 0.7], m, control="centre_bias") for m in "ab"]
    table = agreement.summarise(pd.concat(parts), CEILINGS, {"osie": "half_half"}, 100, rng)
    control = table[table["control"] == "centre_bias"]
    assert control[["model", "n_images", "rho"]].to_numpy().tolist() == [["", 2, 0.6]]
    known = {"category": "cnn", "family": "f", "top1": 70.0, "baseline": ""}
    known |= {"series": "", "strength": np.nan, "seed": np.nan}
    models = pd.DataFrame([{"model": "a", "weights": "imagenet"} | known])
    described = tables_summary.describe_models(table, models)
    assert described.set_index("model")["category"].to_dict() == {"a": "cnn", "b": "", "": ""}
    assert described.set_index("model")["top1"]["a"] == 70.0


def test_a_published_ceiling_divides_as_the_paper_does(rng):
    from itcortex.data.published.clickme import INTER_HUMAN

    ceilings = agreement.published_ceilings({"clickme": {"clicks inter_human": INTER_HUMAN}})
    scores = raw([0.2, 0.4], attention="clickme", map_kind="clicks")
    table = agreement.summarise(scores, ceilings, {"clickme": "inter_human"}, 100, rng)
    assert table["rho_over_ceiling"][0] == pytest.approx(0.3 / 0.6575315343478081)
    assert np.isnan(table["ceiling_partial"][0])


def test_an_unknown_ceiling_names_the_nearest(rng):
    with pytest.raises(
        UserError, match="'osie' has no ceiling 'half_halv'; did you mean 'half_half'"
    ):
        agreement.summarise(raw([0.1, 0.2]), CEILINGS, {"osie": "half_halv"}, 10, rng)


def test_bootstrap_covers_the_true_mean():
    hits = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        low, high = sampling.bootstrap_mean(rng.normal(0.3, 0.2, 60), 300, rng)
        hits += low <= 0.3 <= high
    assert 0.90 <= hits / 200 <= 0.99  # nominal .95, sd .015


# --- the line of rules ----------------------------------------------------------------------------


class Reader(nn.Module):
    """Reads a fixed window of the picture: where it looks is known."""

    num_classes = 1000

    def __init__(self):
        super().__init__()
        self.window = nn.Parameter(torch.zeros(224, 224))
        with torch.no_grad():
            self.window[60:120, 20:80] = 1.0

    def forward(self, images):
        """Logits."""
        return (images * self.window).mean((1, 2, 3))[:, None] * torch.arange(1.0, 1001.0)


@pytest.fixture
def network(tmp_path):
    """A user's own network that looks at one window, as JSON values, and its weights file."""
    source = tmp_path / "reader.py"
    source.write_text(
        "import torch\nfrom torch import nn\n\n\nclass Reader(nn.Module):\n"
        "    num_classes = 1000\n\n    def __init__(self):\n        super().__init__()\n"
        "        self.window = nn.Parameter(torch.zeros(224, 224))\n\n"
        "    def forward(self, images):\n"
        "        return (images * self.window).mean((1, 2, 3))[:, None]"
        " * torch.arange(1.0, 1001.0)\n\n\ndef build():\n    return Reader()\n"
    )
    plain = {"input_size": [3, 224, 224], "mean": [0.0] * 3, "std": [1.0] * 3,
             "interpolation": "bilinear"}  # fmt: skip
    made = Network("reader", f"{source}:build", {}, plain)
    state = Reader().state_dict()
    attributes = {"architecture": "reader", "digest": digest(state)}
    store.write_weights(tmp_path / "w.safetensors", state, attributes)
    return made.asdict(), tmp_path / "w.safetensors"


def test_scripts_score_a_planted_network_and_collect_it(network, tmp_path, rng):
    shown = photographs(rng, 5)
    shown.maps["eye"][:3] = 0
    shown.maps["eye"][:3, 60:120, 20:80] = (
        1.0  # people look where the network does, in three of five
    )
    store.write_photographs(tmp_path / "osie.parquet", shown)
    files = tmp_path / "net.parquet", tmp_path / "net.examples.h5"
    settings = (LABELS, "osie", network[0], 2, 0.03, 3, "cpu", 0)
    score_attention.main(tmp_path / "osie.parquet", network[1], *files, *settings)
    table = store.read_table(files[0])
    assert (table[list(LABELS)].drop_duplicates().to_numpy() == list(LABELS.values())).all()
    np.testing.assert_allclose(of(table)[:3], 1, atol=1e-5)  # a float32 sum of 50,000 products
    assert (np.abs(of(table)[3:]) < 0.9).all()
    arrays, attributes = store.read_arrays(files[1])
    assert attributes["image_ids"] == ["1001.jpg", "1003.jpg", "1005.jpg"]
    assert (arrays["saliency"][1] > 0).sum() == 60 * 60

    ceilings = CEILINGS.assign(image="")
    store.write_table(tmp_path / "ceilings.parquet", ceilings)
    known = {"category": "cnn", "family": "f", "top1": 70.0, "baseline": "z w"}
    models = tmp_path / "models.parquet"
    store.write_table(models, pd.DataFrame([{"model": "net", "weights": "imagenet"} | known]))
    out = tmp_path / "attention.parquet", tmp_path / "attention.csv"
    collect_attention.main(
        [files[0]], [tmp_path / "ceilings.parquet"], models, *out, {"osie": "half_half"}, {}, 50, 0
    )
    summary = store.read_table(out[0])
    assert list(summary["control"]) == ["none", "shuffled_images"] * 2 + [
        "centre_bias",
        "other_images",
    ]
    assert summary["rho"][0] == pytest.approx(of(table).mean())
    assert summary["top1"][0] == 70 and summary["category"][0] == "cnn"
    pd.testing.assert_frame_equal(
        store.read_table(out[1]).fillna({"model": "", "weights": "", "saliency": "", "category": "",
                                         "family": "", "baseline": ""}),
        summary, check_dtype=False,
    )  # fmt: skip


def test_clickmes_shards_are_scored_with_their_labels(network, tmp_path, rng):
    paths = []
    for shard in range(2):
        shown = photographs(rng, 2)
        heatmap = io.BytesIO()
        Image.fromarray(np.tile(np.arange(256, dtype=np.uint8), (256, 1))).save(heatmap, "JPEG")
        records = pd.DataFrame(
            {"shard": f"val-{shard}", "offset": [0, 99], "image": shown.jpegs,
             "heatmap": [heatmap.getvalue()] * 2, "label": [4, 999]}
        )  # fmt: skip
        paths.append(tmp_path / f"{shard}.parquet")
        store.write_table(paths[-1], records)
    files = tmp_path / "net.parquet", tmp_path / "net.examples.h5"
    score_attention.main(
        paths, network[1], *files, LABELS, "clickme", network[0], 2, 0.03, 1, "cpu", 0
    )
    table = store.read_table(files[0])
    assert table["image"].unique().tolist() == ["val-0:0", "val-0:99", "val-1:0", "val-1:99"]
    assert table.groupby("image")["label"].first().tolist() == [4, 999] * 2
    assert set(table["label_source"]) == {"label"} and set(table["map_kind"]) == {"clicks"}
    assert (of(table) < 0).all()  # clicks on the right, the network looks left


def test_photographs_survive_parquet(tmp_path, rng):
    shown = photographs(rng, 3, ("eye", "mouse"), labels=np.array([1, 2, 3]))
    store.write_photographs(tmp_path / "a.parquet", shown)
    found = store.read_photographs(tmp_path / "a.parquet")
    assert (found.image_ids, found.jpegs) == (shown.image_ids, shown.jpegs)
    assert found.labels.tolist() == [1, 2, 3]
    for kind in ("eye", "mouse"):
        np.testing.assert_array_equal(found.maps[kind], shown.maps[kind])


def test_a_table_without_maps_is_no_set_of_photographs(tmp_path):
    store.write_table(tmp_path / "a.parquet", pd.DataFrame({"image": ["a"], "jpeg": [b""]}))
    with pytest.raises(
        UserError, match=r"a\.parquet: holds image, jpeg, not photographs with maps"
    ):
        store.read_photographs(tmp_path / "a.parquet")
