"""Protocol `brainscore` from its files to scores, by the rules' scripts, with a planted truth.

Pictures carry coarse colours, which every site reads linearly, with noise of known size in every trial.
So a layer that has the colours predicts as well as the noise allows: r = sqrt(reliability).
"""

import io
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import estimate_ceiling
import fit_encoding
import label_images
import prepare_recordings
import prepare_stimuli
from itcortex import store
from itcortex.mappings import brainscore
from itcortex.tables.summary import add_ceilings, over_folds
from made.encoding import ON_CPU
from made.majajhong import write_assembly

pytestmark = pytest.mark.long

IMAGES, SITES, REPEATS, NOISE, SPLITS = 240, 10, 6, 1.5, 10
RELIABILITY = 1 / (1 + NOISE**2 / REPEATS)  # of the mean over repeats, at signal variance 1
LABELS = {"recording": "it", "model": "net", "weights": "w"}
SWEEP = {"width_ms": 40, "step_ms": 20}
ENTRY = {"dataset": "d", "file": "a.nc", "format": "majajhong2015", "options": {"region": "IT"}}
ENTRY |= {"attributes": {"area": "IT", "simulated": True}}


def published(folder, rng):
    """Assembly, table and zip of pictures, each in an order of its own."""
    coarse = rng.integers(0, 256, (IMAGES, 2, 2, 3), dtype=np.uint8)
    signal = coarse.reshape(IMAGES, -1) @ rng.standard_normal((12, SITES))
    signal = (signal - signal.mean(0)) / signal.std(0)
    hashes = [f"h{k * 77 % IMAGES:03d}" for k in range(IMAGES)]
    shown = [(k, r) for k in rng.permutation(IMAGES) for r in range(REPEATS)]
    values = signal[[k for k, _ in shown]] + NOISE * rng.standard_normal((len(shown), SITES))
    # sites of V4 are left out: they would answer 1000 to everything
    values = np.hstack([values, np.full((len(shown), 1), 1000.0)])
    coordinates = {
        "neuroid": {
            "neuroid_id": [f"site{s}" for s in range(SITES + 1)],
            "region": ["IT"] * SITES + ["V4"],
            "animal": ["Chabo"] * (SITES + 1),
        },
        "presentation": {
            "image_id": [hashes[k] for k, _ in shown],
            "repetition": [r for _, r in shown],
        },
        "time_bin": {"time_bin_start": [70], "time_bin_end": [170]},
    }
    write_assembly(folder / "a.nc", values.T[..., None].astype(np.float32), coordinates)
    names = [f"picture{k:03d}.png" for k in range(IMAGES)]
    table = {"image_id": hashes, "filename": names}
    table["object_name"] = [f"object{k % 8}" for k in range(IMAGES)]
    pd.DataFrame(table).sample(frac=1, random_state=1).to_csv(folder / "t.csv", index=False)
    with zipfile.ZipFile(folder / "images.zip", "w") as archive:
        for k in rng.permutation(IMAGES):
            content = io.BytesIO()
            Image.fromarray(coarse[k].repeat(8, 0).repeat(8, 1)).save(content, "PNG")
            archive.writestr(names[k], content.getvalue())
    return dict(zip(names, signal, strict=True))


def extract(stimuli, path, rng):
    """Activations of a made network: nothing of the picture, then its colours at 4 x 4."""
    shown = store.read_stimuli(stimuli)
    maps = {
        "early": rng.standard_normal((IMAGES, 4, 4, 3)).astype(np.float32),
        "late": shown.images[:, 2::4, 2::4].astype(np.float32),
    }
    layers = [{"name": "early", "depth": 0.0}, {"name": "late", "depth": 1.0}]
    about = {"layers": layers, "weights_digest": "f" * 64}
    store.write_activations(path, [(0, maps)], tuple(maps), shown.image_ids, about, "float32")


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """Folder with the files of every rule on the way, and the signal by picture."""
    folder, rng = tmp_path_factory.mktemp("brainscore"), np.random.default_rng(3)
    signal = published(folder, rng)
    images = {"dataset": "d", "file": "images.zip", "folder": ""}
    prepare_stimuli.main(folder / "images.zip", folder / "stimuli.h5", "", None)
    label_images.main(folder / "stimuli.h5", [], folder / "images.parquet", {})
    prepare_recordings.main(
        folder / "a.nc",
        [folder / "t.csv"],
        folder / "images.parquet",
        folder / "recording.h5",
        ENTRY,
        images,
    )
    extract(folder / "stimuli.h5", folder / "activations.h5", rng)
    window = [70, 170]
    fit_encoding.main(
        folder / "activations.h5", folder / "recording.h5", folder / "scores.parquet",
        folder / "predictions.h5", folder / "orientation.parquet", LABELS, ["pls"], "brainscore",
        25, "nipals_1e-6", *ON_CPU, SPLITS, 2, window, SWEEP, 20, 1,
    )  # fmt: skip
    estimate_ceiling.main(
        folder / "recording.h5", [], [], [], folder / "ceilings.parquet", "it", "brainscore", SPLITS,
        window, SWEEP, "internal_consistency_bound", ["pls"], 10, 2, 1,
    )  # fmt: skip
    return folder, signal


def test_recording_and_stimuli_have_the_same_pictures_in_orders_of_their_own(line):
    folder, signal = line
    recorded = store.read_recording(folder / "recording.h5")
    stimuli = store.read_stimuli(folder / "stimuli.h5")
    assert sorted(recorded.image_ids) == sorted(stimuli.image_ids) == sorted(signal)
    assert recorded.image_ids != stimuli.image_ids
    assert recorded.site_ids == tuple(f"site{s}" for s in range(SITES))
    assert recorded.trials.shape == (IMAGES, 1, 1, 1, SITES, REPEATS)
    error = recorded.responses[:, 0, 0, 0] - [signal[name] for name in recorded.image_ids]
    # 2400 means of 6 trials: their spread is known to 1.4 %
    assert error.std() == pytest.approx(NOISE / np.sqrt(REPEATS), rel=0.06)


def test_ceilings_are_the_planted_reliability_and_its_root(line):
    table = store.read_table(line[0] / "ceilings.parquet")
    assert table.groupby("ceiling_name").size().to_dict() == {
        "internal_consistency": SPLITS, "internal_consistency_bound": SPLITS,
    }  # fmt: skip
    means = table.groupby("ceiling_name")["value"].mean()
    # 240 pictures and the median of 10 sites
    assert means["internal_consistency"] == pytest.approx(RELIABILITY, abs=0.03)
    assert means["internal_consistency_bound"] == pytest.approx(np.sqrt(RELIABILITY), abs=0.02)
    used = table[table["used"]]["ceiling_name"].unique().tolist()
    assert used == ["internal_consistency_bound"]


def test_a_layer_with_the_colours_reaches_the_ceiling_and_is_chosen_in_every_split(line):
    folder, _ = line
    raw = store.read_table(folder / "scores.parquet")
    assert set(raw["fold"]) == {f"split-{k:02d}" for k in range(SPLITS)}
    assert set(raw[raw["chosen"]]["layer"]) == {"late"}
    summary = add_ceilings(
        over_folds(raw, 50, np.random.default_rng(0)),
        store.read_table(folder / "ceilings.parquet"),
    )
    rows = summary.set_index("control")
    real = rows.loc["none"]
    # 12 weights fitted to 216 noisy pictures cost about 1 %, 24 test pictures leave .02
    assert real["r"] == pytest.approx(np.sqrt(RELIABILITY), abs=0.05)
    assert real["r_over_ceiling"] == pytest.approx(1, abs=0.06)
    control = rows.loc["shuffled_images"]
    assert abs(control["r"]) < 0.05  # the mean of 20 shuffles
    assert control["r_low"] < 0 < control["r_high"] < 0.2
    assert real["p_shuffled"] == pytest.approx(1 / 21)
    assert (
        raw[raw["control"] == "shuffled_images"]
        .groupby("permutation")
        .size()
        .eq(SPLITS * SITES)
        .all()
    )
    early = raw[(raw["layer"] == "early") & (raw["control"] == "none")]
    assert abs(early["r"].mean()) < 0.12


def test_both_published_formulas_come_out_of_the_table(line):
    folder, _ = line
    raw = store.read_table(folder / "scores.parquet")
    chosen = raw[raw["chosen"] & (raw["control"] == "none")]
    r = chosen.groupby("fold", observed=True)["r"].median().mean()
    ceilings = store.read_table(folder / "ceilings.parquet").groupby("ceiling_name")["value"].mean()
    c = ceilings["internal_consistency"]
    # a perfect model: 1 by the one, 1 / reliability by the other
    assert r**2 / c == pytest.approx(1, abs=0.12)
    assert (r / c) ** 2 == pytest.approx(1 / RELIABILITY, abs=0.17)
    assert (r / c) ** 2 > 1.15


def test_predictions_are_of_the_splits_that_test_a_picture_and_missing_where_none_does(line):
    folder, signal = line
    predicted = store.read_recording(folder / "predictions.h5")
    recorded = store.read_recording(folder / "recording.h5")
    splits = brainscore.draw_splits(recorded.labels("object_name"))
    tested = np.unique(np.concatenate([split.test for split in splits]))
    assert IMAGES // 2 < len(tested) < IMAGES  # 1 - .9 ** 10 = .65 of them are expected
    values = predicted.responses[:, 0, 0, 0]
    known = np.isfinite(values).all(1)
    assert np.flatnonzero(known).tolist() == tested.tolist()
    truth = np.array([signal[name] for name in predicted.image_ids])
    r = [np.corrcoef(values[known, s], truth[known, s])[0, 1] for s in range(SITES)]
    assert np.median(r) > 0.97  # the signal itself, without the trials' noise
