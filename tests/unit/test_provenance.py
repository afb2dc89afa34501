"""Every row can be traced to data, weights, code and packages."""

import hashlib
import json

import numpy as np
import pandas as pd

import record_provenance
from itcortex import stamp, store
from itcortex.recordings import Recording

ORIGIN = {"source": "d/a.zip", "source_sha256": "a" * 64, "weights_digest": "f" * 64}


def made(folder, name, code, packages):
    """Predictions of one job, as fit_encoding writes them, stamped."""
    activations = {"rule": "extract_activations", "code": "c0", "packages": packages}
    key = {"recording": "r", "model": name, "weights": "w"}
    path = folder / f"{name}.predictions.h5"
    values = np.zeros((2, 1, 1, 1, 3), np.float32)
    recording = Recording(values, ("a", "b"), ("1", "2", "3"), ORIGIN | key)
    recording.attributes["activations"] = activations
    with stamp.stamped("fit_encoding", code):
        store.write_recording(path, recording)
    return path


def test_a_job_is_traced_to_data_weights_code_and_packages(tmp_path):
    old = {"numpy": "1.0"}
    predictions = [made(tmp_path, "m1", "c1", old), made(tmp_path, "m2", "c2", old)]
    table = tmp_path / "summary.parquet"
    store.write_table(table, pd.DataFrame({"r": [0.5]}))
    written = tmp_path / "provenance.json"
    sources = {"m1/w": "timm:x", "m2/w": "untrained:0"}
    record_provenance.main(
        predictions,
        [table],
        written,
        {"d": {"licence": "MIT"}},
        sources,
        {"seed": 1},
        {"all": "c9"},
    )
    found = json.loads(written.read_text())
    first, second = found["jobs"]
    assert (first["model"], first["weights_source"]) == ("m1", "timm:x")
    assert second["code"] == {"extract_activations": "c0", "fit_encoding": "c2"}
    assert first["data"] == {"d/a.zip": "a" * 64}
    assert first["weights_digest"] == "f" * 64
    named = first["environments"]
    assert found["environments"][named["extract_activations"]] == old
    assert found["environments"][named["fit_encoding"]] == stamp.versions()
    assert found["tables"]["summary.parquet"] == hashlib.sha256(table.read_bytes()).hexdigest()
    assert found["datasets"]["d"]["licence"] == "MIT"


def test_the_same_packages_share_one_name(tmp_path):
    predictions = [made(tmp_path, name, "c", {"numpy": "1.0"}) for name in ("m1", "m2")]
    written = tmp_path / "provenance.json"
    sources = {"m1/w": "a", "m2/w": "b"}
    record_provenance.main(predictions, [], written, {}, sources, {}, {})
    found = json.loads(written.read_text())
    assert len(found["environments"]) == 2
    assert found["jobs"][0]["environments"] == found["jobs"][1]["environments"]


def test_a_stamp_is_in_every_kind_of_file_and_only_within_a_job(tmp_path):
    table = pd.DataFrame({"r": [0.5]})
    with stamp.stamped("some_rule", "abc"):
        store.write_table(tmp_path / "in.parquet", table)
        store.write_arrays(tmp_path / "in.h5", {"x": np.ones(2)}, {})
    store.write_table(tmp_path / "out.parquet", table)
    for name in ("in.parquet", "in.h5"):
        found = store.read_stamp(tmp_path / name)
        assert (found["rule"], found["code"]) == ("some_rule", "abc")
        assert found["packages"]["numpy"] == np.__version__
    assert store.read_stamp(tmp_path / "out.parquet") == {}
    assert store.read_table(tmp_path / "in.parquet").equals(table)
