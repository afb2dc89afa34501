"""The scripts that score attention: a planted network, and shards of ClickMe."""

import io

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn

import collect_attention
import score_attention
from itcortex import store
from itcortex.attention import occlusion
from itcortex.attention.saliency import network_input
from itcortex.networks.network import Network
from itcortex.networks.preprocessing import Preprocessing
from itcortex.tables import dictionary
from itcortex.weights.state import digest
from made.attention import CEILINGS, of, photographs
from made.tables import DESCRIPTION

pytestmark = pytest.mark.network

LABELS = {"attention": "osie", "model": "net", "weights": "imagenet"}


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
    models = tmp_path / "models.parquet"
    described = {"model": "net", "weights": "imagenet"} | DESCRIPTION
    store.write_table(models, pd.DataFrame([described]))
    out = tmp_path / "attention.parquet", tmp_path / "attention.csv"
    collect_attention.main(
        [files[0]], [tmp_path / "ceilings.parquet"], models, *out, {"osie": "half_half"}, {}, 50, 0
    )
    summary = store.read_table(out[0])
    assert dictionary.differences("attention", summary) == []
    assert list(summary["control"]) == ["none", "shuffled_images"] * 2 + [
        "centre_bias",
        "other_images",
    ]
    assert summary["rho"][0] == pytest.approx(of(table).mean())
    assert summary["top1"][0] == 70 and summary["category"][0] == "cnn"
    pd.testing.assert_frame_equal(
        pd.read_csv(out[1]).fillna({"model": "", "weights": "", "saliency": "", "category": "",
                                         "family": "", "baseline": "", "series": "",
                                         "condition": ""}),
        summary, check_dtype=False,
    )  # fmt: skip


def test_covering_finds_the_window_that_a_network_reads(network, tmp_path, rng):
    """The drop is largest where the square lies on the window, whatever the gradient says."""
    shown = photographs(rng, 3)
    shown.maps["eye"][:] = 0
    shown.maps["eye"][:, 60:120, 20:80] = 1.0
    store.write_photographs(tmp_path / "osie.parquet", shown)
    files = tmp_path / "net.parquet", tmp_path / "net.examples.h5"
    settings = (LABELS, "osie", network[0], 2, 0.03, 3, "cpu", 0)
    score_attention.main(tmp_path / "osie.parquet", network[1], *files, *settings, covering=7)
    table = store.read_table(files[0])
    covering = of(table, saliency="covering")
    assert len(covering) == 3 and np.isfinite(covering).all()
    score_attention.main(tmp_path / "osie.parquet", network[1], *files, *settings)
    plain = store.read_table(files[0])
    rest = table[table["saliency"] != "covering"].reset_index(drop=True)
    pd.testing.assert_frame_equal(rest, plain)  # other experiments keep their numbers


@pytest.mark.parametrize(("positions", "side"), [(1, 64), (7, 224), (7, 160), (5, 97), (8, 299)])
def test_a_square_stands_at_as_many_places_as_asked(positions, side):
    patch, stride = occlusion.square(side, positions)
    starts = range(0, side - patch + 1, stride)
    assert len(starts) == positions and starts[-1] + patch == side
    assert positions == 1 or patch >= 2 * stride


def test_covering_maps_are_occlusion_of_the_networks_input_resized(rng):
    torch.manual_seed(0)
    net = nn.Sequential(nn.AvgPool2d(16), nn.Flatten(), nn.Linear(3 * 36, 5))
    shown = photographs(rng, 3)
    preprocessing = Preprocessing((3, 96, 96), (0.5,) * 3, (0.25,) * 3, "bilinear")
    found = np.stack([*occlusion.covering_maps(net, preprocessing, shown, [1, 0, 4], 5, 2)])
    assert found.shape == (3, 224, 224) and found.dtype == np.float32
    batch = network_input(shown, slice(0, 3), preprocessing)
    patch, stride = occlusion.square(96, 5)
    expected = occlusion.occlusion(
        net, batch, torch.tensor([1, 0, 4]), patch, stride, torch.zeros(3)
    )
    resized = nn.functional.interpolate(expected[:, None], (224, 224), mode="bilinear")[:, 0]
    np.testing.assert_allclose(found, resized.numpy(), atol=1e-5)  # other batches, other rounding


@pytest.mark.parametrize(("positions", "side"), [(0, 32), (32, 32)])
def test_more_places_than_pixels_are_refused(positions, side):
    with pytest.raises(ValueError, match=f"at {positions} places along 32 pixels"):
        occlusion.square(side, positions)


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
