"""The scripts behind concepts, one after the other: sites read red, and the network knows colours."""

import numpy as np
import pytest

import collect_concepts
import extract_activations
import find_concepts
import plot_concepts
import predict_from_concepts
from itcortex import store
from itcortex.data.recordings import Recording
from itcortex.data.stimuli import Stimuli
from itcortex.errors import UserError
from itcortex.report.tables import concept_encoding_table, concept_table
from itcortex.tables import dictionary
from itcortex.weights.state import digest
from made import concepts as made
from made.encoding import ON_CPU

pytestmark = pytest.mark.network

SETTINGS = {"number": 3, "crop": 0.5, "crops": 240, "images": 4, "masks": 16, "examples": 3}
LABELS = {"recording": "v4", "model": "parts", "weights": "w"}
NAMES = tuple(f"image {k:02d}" for k in range(60))


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """Files of images, of sites that read how red they are, of weights, activations and predictions."""
    folder, rng = tmp_path_factory.mktemp("concepts"), np.random.default_rng(0)
    images, amounts = made.photographs(len(NAMES), rng)
    store.write_stimuli(folder / "stimuli.h5", Stimuli(images[::-1], NAMES[::-1]))
    sites = amounts[:, :1] * [1, 2, 3] + 0.005 * rng.standard_normal((len(NAMES), 3))
    recorded = Recording(sites[:, None, None, None].astype("f4"), NAMES, ("a", "b", "c"), {})
    store.write_recording(folder / "v4.h5", recorded)
    layers = {"fold-00": "filters", "fold-01": "act", "fold-02": "act"}
    predicted = recorded.predicted(recorded.responses[:, :, :, 0], None, {"layers": layers})
    store.write_recording(folder / "predictions.h5", predicted)
    network = made.network(folder)
    state = network.build().state_dict()
    about = {"architecture": "parts", "digest": digest(state)}
    store.write_weights(folder / "w.safetensors", state, about)
    extract_activations.main(
        folder / "stimuli.h5", folder / "w.safetensors", folder / "activations.h5",
        folder / "notes.json", network.asdict(), ["filters", "act"], 2, 8, None, "float32", 16, "cpu", 0,
    )  # fmt: skip
    return folder, network


def found(line, to, **changes):
    """Run find_concepts, with some settings changed."""
    folder, network = line
    find_concepts.main(
        *(folder / name for name in ("v4.h5", "stimuli.h5", "predictions.h5", "w.safetensors")),
        to, network.asdict(), SETTINGS | changes, 16, "cpu", 0,
    )  # fmt: skip
    return store.read_arrays(to)


def test_from_photographs_to_tables_figure_and_page(line, tmp_path):
    folder, _ = line
    arrays, attributes = found(line, tmp_path / "c.h5")
    red, green, blue = made.matched(arrays["basis"])
    assert attributes["layer"] == "act" and attributes["n_crops"] == 240
    assert attributes["positive"] == 1 and attributes["explained"] > 0.999
    mean = arrays["importances"].mean(0)
    assert (np.diff(mean) <= 0).all()  # the most important first
    for number, colour in ((red, 0), (green, 1), (blue, 2)):
        shown = arrays[f"examples/{number + 1}"].mean((0, 1, 2))
        assert shown.argmax() == colour and shown[colour] > 150  # crops of that colour
    predict_from_concepts.main(
        folder / "activations.h5", folder / "v4.h5", tmp_path / "c.h5", [], tmp_path / "r.parquet",
        LABELS, "pls", "corrected", 5, "exact", *ON_CPU, 5, 4, None, None, 3,
    )  # fmt: skip
    out = [tmp_path / f"{name}.{kind}" for name in ("each", "whole") for kind in ("parquet", "csv")]
    collect_concepts.main([tmp_path / "r.parquet"], [tmp_path / "c.h5"], *out, {"v4": "10"}, 100, 0)
    each, whole = store.read_table(out[0]), store.read_table(out[2])
    assert dictionary.differences("concepts", each) == []
    assert dictionary.differences("concept_encoding", whole) == []
    assert each["r_alone"].idxmax() == each["drop"].idxmax() == red
    assert each["r_alone"][red] > 0.95 and each["share"][red] > 0.1
    assert whole["kept"][0] == pytest.approx(1, abs=0.02)  # three colours are all there is
    figures = [tmp_path / f"concepts.{kind}" for kind in ("pdf", "png", "rst")]
    plot_concepts.main(out[0], out[2], [tmp_path / "c.h5"], "v4", *figures, "Title", "Caption.")
    assert all(path.stat().st_size > 0 for path in figures)
    assert "3 concepts keep" in figures[2].read_text()
    table, other = concept_table(each), concept_encoding_table(whole)
    assert [row[2].text for row in table.rows] == ["1", "2", "3"]
    assert other.rows[0][2].text == "act"


def test_the_same_seed_gives_the_same_concepts(line, tmp_path):
    first, second = (found(line, tmp_path / f"{k}.h5")[0] for k in range(2))
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name])


def test_more_concepts_than_crops_or_parts_are_refused(line, tmp_path):
    with pytest.raises(UserError, match=r"3 concepts .* or there are crops \(2\); ask for fewer"):
        found(line, tmp_path / "c.h5", crops=2)
    with pytest.raises(UserError, match=r"7 concepts are more than layer 'act' has channels \(6\)"):
        found(line, tmp_path / "c.h5", number=7)
    assert not (tmp_path / "c.h5").exists()
