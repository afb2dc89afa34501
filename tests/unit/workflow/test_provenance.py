"""Every row can be traced to data, weights, code and packages."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
import torch

import record_provenance
from itcortex import store
from itcortex.data.rdms import Rdms
from itcortex.data.recordings import Recording
from itcortex.data.stimuli import Stimuli
from itcortex.errors import UserError
from itcortex.running import stamp
from itcortex.workflow import provenance

pytestmark = pytest.mark.network

OLD = {"numpy": "1.0"}
SHARDS = ["val-0.tfrecords", "val-1.tfrecords"]
REGISTRY = {
    "recordings": {"r": {"dataset": "d", "file": "a.zip", "table": "a.csv", "stimuli": "shown"}},
    "stimuli": {"shown": {"dataset": "d", "file": "images.zip"}},
    "rdms": {"monkey": {"dataset": "k", "file": "k.mat", "stimuli": "shown"}},
    "attention": {
        "osie": {"dataset": "o", "format": "osie", "files": ["s.zip", "f.mat"]},
        "clickme": {"dataset": "c", "format": "clickme", "files": SHARDS},
    },
}  # fmt: skip
DATA = ("d/a.zip", "d/a.csv", "d/images.zip", "k/k.mat", "o/s.zip", "o/f.mat", "c/val-0.tfrecords",
        "c/val-1.tfrecords")  # fmt: skip
MODELS = ("m1", "m2")
KEY = "harmonized/strength-1/seed-0"


def digest(name):
    """What the digest of a made file must be."""
    return hashlib.sha256(name.encode()).hexdigest()


class Line:
    """All files of a small line, made under `folder` by stamped rules."""

    def __init__(self, folder):
        self.folder = folder
        self.given = {"jobs": [], "data": [], "prepared": [], "activations": []}
        self.given |= {"predictions": [], "weights": [], "digits": []}
        for name in DATA:
            path = self.add("data", f"data/{name}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
        self.prepare()
        for model in MODELS:
            self.network(model)

    def add(self, kind, path):
        """Path of a file under the folder, noted as one of the inputs."""
        self.given[kind].append(self.folder / path)
        return self.folder / path

    def prepare(self):
        """Recording, RDMs, stimuli and photographs."""
        with stamp.stamped("prepare_recordings", "p1"):
            about = {"source": "d/a.zip", "source_sha256": "noted"}
            values = np.zeros((2, 1, 1, 1, 3), np.float32)
            recording = Recording(values, ("a", "b"), ("1", "2", "3"), about)
            store.write_recording(self.add("prepared", "recordings/r.h5"), recording)
        with stamp.stamped("prepare_stimuli", "p2"):
            images = Stimuli(np.zeros((2, 4, 4, 3), np.uint8), ("a", "b"))
            store.write_stimuli(self.add("prepared", "stimuli/shown.h5"), images)
        with stamp.stamped("prepare_rdms", "p3"):
            rdms = Rdms(np.ones((1, 28)), tuple("abcdefgh"), ("s",), {"source": "k/k.mat"})
            store.write_rdms(self.add("prepared", "rdms/monkey.h5"), rdms)
        with stamp.stamped("prepare_osie", "p4"):
            made = pd.DataFrame({"x": [1]})
            store.write_table(self.add("prepared", "attention/osie.parquet"), made)
        with stamp.stamped("prepare_clickme", "p5"):
            for shard in (0, 1):
                store.write_table(self.add("prepared", f"clickme/val/{shard}.parquet"), made)

    def network(self, model):
        """Weights and activations of one model."""
        with stamp.stamped("train_harmonized", "w"):
            path = self.add("weights", f"weights/{model}/{KEY}.safetensors")
            about = {"digest": digest(model), "recipe": {"epochs": 3}}
            store.write_weights(path, {"x": torch.ones(2)}, about)
        self.activations(model, digest(model))
        with stamp.stamped("fit_encoding", f"fit {model}"):
            path = self.add("predictions", f"demo/encoding/r/{model}/{KEY}.predictions.h5")
            values = np.zeros((2, 1, 1, 1, 3), np.float32)
            store.write_recording(path, Recording(values, ("a", "b"), ("1", "2", "3"), {}))

    def activations(self, model, weights_digest):
        """Activations of one model, computed with weights of a digest by other packages."""
        with stamp.stamped("extract_activations", "x"):
            stamp.current()["packages"] = OLD
            path = self.add("activations", f"activations/shown/{model}/{KEY}.json")
            store.write_notes(path, {"weights_digest": weights_digest, "layers": []})

    def job(self, path, rule, code, rows=2, **labels):
        """The table of one job."""
        with stamp.stamped(rule, code):
            table = pd.DataFrame({"r": np.arange(rows) / 2}).assign(**labels)
            store.write_table(self.add("jobs", f"demo/{path}.parquet"), table)

    def trace(self, tables=(), settings=None, code=None, published=None, test_images=None):
        """What the rule writes."""
        written = self.folder / "provenance.json"
        sources = {f"{model}/{KEY}": f"trained:{model}" for model in MODELS}
        record_provenance.main(
            **self.given, tables=tables, provenance=written, registry=REGISTRY,
            datasets={"d": {"licence": "MIT"}}, sources=sources, settings=settings or {},
            fingerprints=code or {}, scores=[], published=published or {},
            test_images=test_images or {},
        )  # fmt: skip
        return json.loads(written.read_text())


@pytest.fixture
def line(tmp_path):
    return Line(tmp_path)


def test_a_score_is_traced_to_data_weights_code_and_packages(line):
    for model in MODELS:
        line.job(
            f"encoding/r/{model}",
            "fit_encoding",
            f"fit {model}",
            recording="r",
            model=model,
            weights=KEY,
        )
    table = line.folder / "summary.parquet"
    store.write_table(table, pd.DataFrame({"r": [0.5]}))
    found = line.trace([table], {"seed": 1}, {"all": "c9"})
    first, second = found["jobs"]
    assert (first["recording"], first["model"], first["weights"]) == ("r", "m1", KEY)
    assert first["file"].endswith("demo/encoding/r/m1.parquet")
    # the recording notes the digest of what it was read from; the others are digests of the files
    assert first["data"] == {
        "d/a.zip": "noted", "d/a.csv": digest("d/a.csv"), "d/images.zip": digest("d/images.zip"),
    }  # fmt: skip
    assert (first["weights_digest"], second["weights_digest"]) == (digest("m1"), digest("m2"))
    assert second["code"] == {
        "fit_encoding": "fit m2", "extract_activations": "x", "train_harmonized": "w",
        "prepare_recordings": "p1", "prepare_stimuli": "p2",
    }  # fmt: skip
    named = first["environments"]
    assert set(named) == set(first["code"])
    assert found["environments"][named["extract_activations"]] == OLD
    assert found["environments"][named["fit_encoding"]] == stamp.versions()
    assert found["weights"][f"m2/{KEY}"] == {
        "digest": digest("m2"), "recipe": {"epochs": 3}, "source": "trained:m2",
    }  # fmt: skip
    assert found["tables"]["summary.parquet"] == hashlib.sha256(table.read_bytes()).hexdigest()
    assert found["datasets"]["d"]["licence"] == "MIT"
    assert (found["settings"], found["code"]) == ({"seed": 1}, {"all": "c9"})


NETWORK = {"model": "m1", "weights": KEY}
IMAGES = {"d/images.zip": digest("d/images.zip")}
RECORDED = {"d/a.zip": "noted", "d/a.csv": digest("d/a.csv")}
EXTRACTED = {"extract_activations": "x", "train_harmonized": "w", "prepare_stimuli": "p2"}


@pytest.mark.parametrize(
    ("rule", "labels", "data", "code"),
    [
        ("align_maps", {"recording": "r"} | NETWORK, RECORDED | IMAGES,
         EXTRACTED | {"prepare_recordings": "p1", "fit_encoding": "fit m1"}),
        ("estimate_ceiling", {"recording": "r"}, RECORDED, {"prepare_recordings": "p1"}),
        ("compare_rdms", {"rdm": "monkey"} | NETWORK, {"k/k.mat": digest("k/k.mat")} | IMAGES,
         EXTRACTED | {"prepare_rdms": "p3"}),
        ("score_attention", {"attention": "osie"} | NETWORK,
         {name: digest(name) for name in ("o/s.zip", "o/f.mat")},
         {"prepare_osie": "p4", "train_harmonized": "w"}),
        ("score_attention", {"attention": "clickme"} | NETWORK,
         {name: digest(name) for name in ("c/val-0.tfrecords", "c/val-1.tfrecords")},
         {"prepare_clickme": "p5", "train_harmonized": "w"}),
        ("prepare_osie", {"attention": "osie"},
         {name: digest(name) for name in ("o/s.zip", "o/f.mat")}, {}),
    ],
)  # fmt: skip
def test_every_kind_of_job_has_an_entry_with_all_that_is_behind_it(line, rule, labels, data, code):
    line.job("some/job", rule, "own", **labels)
    (entry,) = line.trace()["jobs"]
    assert {key: entry[key] for key in provenance.LABELS if key in entry} == labels
    assert entry["data"] == data
    assert entry["code"] == code | {rule: "own"}
    assert set(entry["environments"]) == set(entry["code"])
    assert entry.get("weights_digest") == (digest("m1") if "model" in labels else None)


def test_a_network_of_the_digits_study_is_traced_to_its_test_images(line):
    """And a job that scores it on an array is not: that was shown other images."""
    with stamp.stamped("simulate_digits", "s1"):
        for name in ("intact", "broken"):
            path = line.add("digits", f"data/digits/{name}.parquet")
            store.write_table(path, pd.DataFrame({"image": [name]}))
    shown = {f"m1/{KEY}": ["digits/intact.parquet", "digits/broken.parquet"]}
    line.job("shortcut/m1", "score_shortcut", "own", **NETWORK)
    line.job("shortcut/m2", "score_shortcut", "own", model="m2", weights=KEY)
    line.job("encoding/r/m1", "fit_encoding", "own", recording="r", **NETWORK)
    first, other, scored = line.trace(test_images=shown)["jobs"]
    sha256 = {
        f"digits/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest()
        for path in line.given["digits"]
    }
    assert len(set(sha256.values())) == 2 and first["data"] == sha256
    assert first["code"] == {
        "simulate_digits": "s1", "train_harmonized": "w", "score_shortcut": "own"
    }  # fmt: skip
    assert other["data"] == {} and not set(sha256) & set(scored["data"])


def test_the_same_packages_share_one_name(line):
    for model in MODELS:
        line.job(f"r/{model}", "fit_encoding", "c", recording="r", model=model, weights=KEY)
    found = line.trace()
    assert len(found["environments"]) == 2
    assert found["jobs"][0]["environments"] == found["jobs"][1]["environments"]


def test_published_scores_have_the_digests_of_their_files(line):
    board = line.folder / "board.csv"
    board.write_text("model,score\n")
    told = {"board": {"licence": "MIT", "files": [str(board)]}}
    found = line.trace(published=told)
    assert found["jobs"] == [] and found["published"]["board"]["licence"] == "MIT"
    digest = hashlib.sha256(board.read_bytes()).hexdigest()
    assert found["published"]["board"]["files"] == {str(board): digest}


def test_a_job_without_rows_is_behind_no_row(line):
    line.job("alignment/r", "align_maps", "c", rows=0, recording="r", **NETWORK)
    line.job("ceilings/r", "estimate_ceiling", "c", recording="r")
    assert [entry["code"]["estimate_ceiling"] for entry in line.trace()["jobs"]] == ["c"]


def test_activations_of_other_weights_are_refused(line):
    line.job("r/m1", "fit_encoding", "c", recording="r", **NETWORK)
    line.given["activations"].clear()
    line.activations("m1", digest("other"))
    with pytest.raises(
        UserError,
        match=r"m1/.*seed-0\.json: activations were.*other weights",
    ):
        line.trace()


def test_a_file_that_the_rule_was_not_given_is_named(line):
    line.job("r/m1", "fit_encoding", "c", recording="r", **NETWORK)
    line.given["weights"].pop(0)
    with pytest.raises(
        UserError, match=r"weights/m1/.*seed-0\.safetensors is not among the inputs"
    ):
        line.trace()


def test_a_stamp_is_in_every_kind_of_file_and_only_within_a_job(tmp_path):
    table = pd.DataFrame({"r": [0.5]})
    with stamp.stamped("some_rule", "abc"):
        store.write_table(tmp_path / "in.parquet", table)
        store.write_arrays(tmp_path / "in.h5", {"x": np.ones(2)}, {})
        store.write_weights(tmp_path / "in.safetensors", {"x": torch.ones(2)}, {"digest": "d"})
        store.write_notes(tmp_path / "in.json", {"digest": "d"})
    store.write_table(tmp_path / "out.parquet", table)
    store.write_weights(tmp_path / "out.safetensors", {"x": torch.ones(2)}, {"digest": "d"})
    for name in ("in.parquet", "in.h5", "in.safetensors", "in.json"):
        found = store.read_stamp(tmp_path / name)
        assert (found["rule"], found["code"]) == ("some_rule", "abc")
        assert found["packages"]["numpy"] == np.__version__
    assert store.read_attributes(tmp_path / "in.json") == {"digest": "d"}
    assert store.read_stamp(tmp_path / "out.parquet") == {}
    assert store.read_stamp(tmp_path / "out.safetensors") == {}
    assert store.read_table(tmp_path / "in.parquet").equals(table)
    assert store.read_weights_attributes(tmp_path / "in.safetensors") == {"digest": "d"}
