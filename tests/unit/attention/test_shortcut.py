"""The probe tells nets that read the object from nets that read the shortcut; occlusion is exact."""

import io

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from scipy.stats import spearmanr
from torch import nn

import collect_shortcut
import score_shortcut
from itcortex import store
from itcortex.attention import shortcut
from itcortex.attention.occlusion import occlusion
from itcortex.encoding.raw_scores import raw_scores
from itcortex.encoding.targets import Target
from itcortex.errors import UserError
from itcortex.mappings.layer_scores import LayerScores
from itcortex.networks.preprocessing import Preprocessing
from itcortex.simulation import digits
from itcortex.tables import dictionary
from itcortex.weights.state import digest

pytestmark = pytest.mark.network

SIDE, PATCH = 32, 7
PREPROCESSING = Preprocessing((3, SIDE, SIDE), (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), "bilinear")
SETTINGS = digits.Settings(side=SIDE, digit=(14, 18), patch=PATCH, kind="colour", share=0.95)


class ReadsPatch(nn.Module):
    """By hand: logits are how many pixels have the colour that a class's shortcut has."""

    def __init__(self):
        super().__init__()
        patches = [digits.KINDS["colour"](shown, 1)[0, 0] for shown in range(10)]
        self.colours = nn.Parameter(torch.tensor(np.round(patches) / 255, dtype=torch.float32))

    def forward(self, batch):
        pixels = batch * 0.25 + 0.5
        distance = (pixels[:, None] - self.colours[None, :, :, None, None]).square().sum(2)
        return torch.exp(-distance / 0.002).sum((2, 3))


class ReadsObject(nn.Module):
    """By hand: finds which image it is by what lies at the object alone, and gives its label."""

    def __init__(self, scenes):
        super().__init__()
        ink = torch.from_numpy(scenes.ink)
        self.templates = nn.Parameter((ink - ink.mean((1, 2), keepdim=True)).flatten(1))
        self.labels = torch.nn.functional.one_hot(torch.from_numpy(scenes.labels), 10).float()

    def forward(self, batch):
        bright = (batch.mean(1) * 0.25 + 0.5).clamp(0.9, 1).flatten(1)
        match = bright @ self.templates.T / self.templates.norm(dim=1)
        return torch.softmax(300 * match, 1) @ self.labels


@pytest.fixture(scope="module")
def scenes():
    return digits.arrange("test", 300, SETTINGS, np.random.default_rng(0))


@pytest.fixture(scope="module")
def shown(scenes):
    """Intact and broken test images."""
    rng = np.random.default_rng(1)
    return [
        shortcut.Shown.of_table(
            scenes.table(name, digits.draw_shortcuts(scenes.labels, share, rng)), name
        )
        for name, share in (("intact", 0.95), ("broken", digits.CHANCE))
    ]


def probe(model, shown, **options):
    settings = {"n_aligned": 20, "patch": 8, "stride": 4} | options
    return shortcut.probe(model.eval(), PREPROCESSING, *shown, **settings)


def test_a_net_that_reads_the_shortcut_falls_to_nothing_when_it_is_broken(shown):
    measures, judged, maps = probe(ReadsPatch(), shown)
    assert measures["accuracy_intact"] > 0.9
    assert measures["accuracy_broken"] < 0.05  # images whose shortcut shows the label are left out
    assert measures["shortcut_answers"] > 0.9
    assert measures["n_broken"] == (shown[1].shortcuts != shown[1].labels).sum() < 300
    # covering: nothing at the object, all of it at the patch
    assert measures["alignment_occlusion"] < 0.1
    assert len(judged.labels) == 20 and maps["occlusion"].shape == (20, SIDE, SIDE)


def test_a_net_that_reads_the_object_does_not_care(scenes, shown):
    measures, _, _ = probe(ReadsObject(scenes), shown)
    assert measures["accuracy_intact"] > 0.95
    assert measures["accuracy_broken"] > 0.95 and measures["shortcut_answers"] < 0.05
    assert measures["alignment_occlusion"] > 0.4


def test_measures_are_those_of_the_given_answers(shown):
    intact, broken = shown
    apart = broken.shortcuts != broken.labels
    answered = {"intact": intact.labels, "broken": np.where(apart, broken.shortcuts, 0)}
    measures = shortcut.reliance(answered, intact, broken)
    wanted = {"accuracy_intact": 1.0, "accuracy_broken": 0.0, "shortcut_answers": 1.0}
    assert wanted.items() <= measures.items()
    same = shortcut.Shown(*[*vars(broken).values()][:3], broken.labels, broken.maps)
    with pytest.raises(UserError, match="in all of them"):
        shortcut.reliance(answered, intact, same)


def test_alignment_leaves_out_and_counts_maps_without_ranks():
    human = np.random.default_rng(0).random((3, 8, 8))
    maps = np.stack([human[0], -human[1], np.zeros((8, 8))])
    assert shortcut.alignment(maps, human) == (pytest.approx(0, abs=1e-6), 1)
    assert shortcut.alignment(maps[:1], human[:1]) == (pytest.approx(1), 0)


# --- occlusion ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("patch", "stride"), [(4, 2), (5, 3), (12, 12), (1, 1)])
def test_occlusion_of_a_linear_net_is_its_closed_form(patch, stride):
    """Drop under a cover: the sum over its pixels of weight x (pixel - fill)."""
    height, width = 12, 14
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * height * width, 4)).double()
    batch = torch.randn(3, 3, height, width, dtype=torch.float64)
    fill = torch.tensor([0.3, -0.2, 0.1], dtype=torch.float64)
    labels = torch.tensor([2, 0, 3])
    found = occlusion(net, batch, labels, patch, stride, fill, batch_size=7)

    weight = net[1].weight.view(4, 3, height, width)[labels].detach()
    each = (weight * (batch - fill.view(1, 3, 1, 1))).sum(1).numpy()
    drop, count = np.zeros((3, height, width)), np.zeros((height, width))
    for row in [*range(0, height - patch, stride), height - patch]:
        for column in [*range(0, width - patch, stride), width - patch]:
            part = (slice(row, row + patch), slice(column, column + patch))
            drop[:, *part] += each[:, *part].sum((1, 2))[:, None, None]
            count[part] += 1
    assert count.min() >= 1
    np.testing.assert_allclose(found.numpy(), drop / count, atol=2e-5)  # logits are read as float32


def test_occlusion_by_the_fill_itself_changes_nothing():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 36, 2))
    found = occlusion(
        net, torch.full((2, 3, 8, 8), 0.5), torch.tensor([0, 1]), 4, 4, torch.full((3,), 0.5)
    )
    assert found.abs().max() < 1e-7  # rounding: batches of other sizes take other kernels


@pytest.mark.parametrize(("patch", "stride"), [(9, 2), (3, 4), (0, 1), (3, 0)])
def test_covers_that_leave_pixels_uncovered_are_refused(patch, stride):
    with pytest.raises(ValueError, match="cannot cover"):
        occlusion(
            nn.Flatten(), torch.zeros(1, 3, 8, 8), torch.tensor([0]), patch, stride, torch.zeros(3)
        )


# --- the rules ------------------------------------------------------------------------------------


def net():
    """A small net as a row of the model table would have it."""
    return nn.Sequential(nn.Conv2d(3, 4, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(400, 10))


NETWORK = {
    "architecture": "small_net", "builder": f"{__file__}:net", "arguments": {},
    "preprocessing": PREPROCESSING.asdict(),
}  # fmt: skip


def write_weights(path, strength=3.0, seed=2):
    torch.manual_seed(seed)
    state = net().state_dict()
    training = {"strength": strength, "seed": seed} if strength is not None else {}
    about = {"architecture": "small_net", "source": "harmonized", "digest": digest(state)}
    store.write_weights(path, state, about | {"training": training})
    return str(path)


def score(folder, scenes, weights, name="a"):
    rng = np.random.default_rng(1)
    paths = []
    for part, share in (("intact", 0.95), ("broken", digits.CHANCE)):
        paths.append(folder / f"{part}.parquet")
        store.write_table(
            paths[-1], scenes.table(part, digits.draw_shortcuts(scenes.labels, share, rng))
        )
    out = folder / f"{name}.parquet", folder / f"{name}.examples.h5"
    labels = {"model": "small_net", "weights": name}
    score_shortcut.main(*paths, weights, *out, labels, NETWORK, 10, 8, 4, 3, "cpu")
    return out


def test_the_rule_writes_measures_and_examples(scenes, shown, tmp_path):
    table, examples = score(tmp_path, scenes, write_weights(tmp_path / "w.safetensors"))
    (row,) = store.read_table(table).to_dict("records")
    model = net()
    model.load_state_dict(store.read_weights(tmp_path / "w.safetensors")[0])
    wanted, judged, maps = probe(model, shown, n_aligned=10)
    about = {"model": "small_net", "weights": "a", "strength": 3.0, "seed": 2}
    assert row == pytest.approx(about | wanted)
    arrays, attributes = store.read_arrays(examples)
    assert attributes == about | {"image_ids": [judged.image_ids[k] for k in (0, 4, 9)]}
    np.testing.assert_array_equal(arrays["images"], judged.images[[0, 4, 9]])
    np.testing.assert_allclose(arrays["occlusion"], maps["occlusion"][[0, 4, 9]], atol=1e-6)


def test_agreement_is_that_of_maps_made_by_hand(scenes, tmp_path):
    """From the files on: cover by cover and pixel by pixel in numpy, ranks by scipy."""
    path, out = write_weights(tmp_path / "w.safetensors"), tmp_path / "a.parquet"
    score(tmp_path, scenes, path)
    row = store.read_table(out).iloc[0]
    chosen = [0, 33, 66, 100, 133, 166, 199, 233, 266, 299]  # evenly over 300
    table = store.read_table(tmp_path / "intact.parquet").iloc[chosen]
    model = net()
    model.load_state_dict(store.read_weights(path)[0])

    def logit(pixels, label):
        batch = (torch.as_tensor(pixels, dtype=torch.float32).permute(0, 3, 1, 2) - 0.5) / 0.25
        return model(batch)[:, label]

    found = {"gradient": [], "occlusion": []}
    for one in table.itertuples():
        pixels = np.asarray(Image.open(io.BytesIO(one.image)), float) / 255
        human = np.asarray(Image.open(io.BytesIO(one.map)), float)
        drops, count = np.zeros((SIDE, SIDE)), np.zeros((SIDE, SIDE))
        for top in range(0, SIDE - 7, 4):
            for left in range(0, SIDE - 7, 4):
                part = (slice(top, top + 8), slice(left, left + 8))
                covered = pixels.copy()
                covered[part] = 0.5
                with torch.no_grad():
                    whole, less = logit(np.stack([pixels, covered]), one.label).tolist()
                drops[part] += whole - less
                count[part] += 1
        shown = torch.tensor(pixels[None], requires_grad=True)
        (gradient,) = torch.autograd.grad(logit(shown, one.label).sum(), shown)
        maps = {"gradient": gradient[0].abs().amax(2).numpy(), "occlusion": drops / count}
        for kind, values in maps.items():
            found[kind].append(spearmanr(values.ravel(), human.ravel()).statistic)
    for kind, rho in found.items():  # float32 logits and ties made or broken by rounding
        assert row[f"alignment_{kind}"] == pytest.approx(np.mean(rho), abs=2e-3)
        assert np.std(rho) > 0.05


def encoding_table(path, weights, r):
    """A file of fit_encoding in which every site of every fold has the score r."""

    metrics = {name: np.full((1, 3, 5), r) for name in ("r", "rho", "explained_variance")}
    result = LayerScores(metrics, np.zeros((3, 3)))
    labels = {"recording": "sites", "model": "small_net", "weights": weights, "mapping": "pls"}
    labels = labels | {"protocol": "corrected"}
    target, folds = Target(None, main=True), ["f0", "f1", "f2"]
    table = raw_scores(
        labels, [target], {"0": 0.5}, [result], np.zeros(3, int), folds, tuple("abcde")
    )
    store.write_table(path, table)
    return path


def test_the_table_joins_probes_and_predictivity(scenes, tmp_path):
    probes, fits = [], []
    for name, strength, r in (("b", 3.0, 0.8), ("a", 0.0, 0.4)):
        weights = write_weights(tmp_path / f"{name}.safetensors", strength)
        probes.append(score(tmp_path, scenes, weights, name)[0])
        fits.append(encoding_table(tmp_path / f"{name}.fits.parquet", name, r))
    ceilings = tmp_path / "ceilings.parquet"
    noise = {"recording": "sites", "window_start": np.nan, "window_stop": np.nan, "used": True}
    store.write_table(
        ceilings, pd.DataFrame([noise | {"ceiling_name": "split_half_bound", "value": 0.5}])
    )
    outputs = tmp_path / "t.parquet", tmp_path / "t.csv"
    about = {"model": "small_net", "family": "share", "series": "harmonized"}
    networks = [about | {"weights": name} for name in "ab"]
    collect_shortcut.main(probes, fits, [ceilings], *outputs, networks, "pls", 20, 0)
    table = store.read_table(outputs[0])
    assert dictionary.differences("shortcut", table) == []
    assert table["weights"].tolist() == ["a", "b"] and table["strength"].tolist() == [0.0, 3.0]
    assert table["r_over_ceiling"].tolist() == pytest.approx([0.8, 1.6])
    assert {"accuracy_broken", "alignment_gradient", "seed"} <= set(table)
    assert table["family"].tolist() == ["share", "share"]
    assert table["series"].tolist() == ["harmonized", "harmonized"]
    with pytest.raises(UserError, match="small_net b has no predictivity"):
        collect_shortcut.main(probes, fits[1:], [ceilings], *outputs, networks, "pls", 20, 0)


def test_bad_input_is_refused_by_name(scenes, shown, tmp_path):
    with pytest.raises(UserError, match="no strength and seed"):
        score(tmp_path, scenes, write_weights(tmp_path / "w.safetensors", strength=None))
    with pytest.raises(UserError, match=r"here\.parquet: no images with a shortcut"):
        shortcut.Shown.of_table(pd.DataFrame({"label": [1]}), "here.parquet")
    larger = Preprocessing((3, 48, 48), *list(vars(PREPROCESSING).values())[1:])
    with pytest.raises(UserError, match="48"):
        shortcut.probe(net(), larger, *shown, 5, 8, 4)
