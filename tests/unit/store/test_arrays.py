"""Files are whole or absent, read back as written, and the same bytes every time."""

import h5py
import numpy as np
import pandas as pd
import pytest

from itcortex import store
from itcortex.data.recordings import Recording
from itcortex.data.stimuli import Stimuli
from itcortex.errors import UserError
from itcortex.files import atomic_path
from itcortex.store import activations


def recording(rng, trials=True):
    responses = rng.standard_normal((3, 2, 4, 5, 2)).astype("float32")
    single = np.repeat(responses[..., None], 3, -1) if trials else None
    return Recording(responses, ("a.png", "b.png", "ü.png"), ("s0", "s1"), {"area": "IT"}, single)


def write_each(rng, folder):
    """Every kind of file, with a reader that gives comparable values."""
    import torch

    maps = {"l.0": rng.random((3, 4, 4, 2), "float32"), "l.1": rng.random((3, 2, 2, 5), "float32")}
    batches = [(0, {k: v[:2] for k, v in maps.items()}), (2, {k: v[2:] for k, v in maps.items()})]
    layers = [{"name": "l.0", "depth": 0.2}, {"name": "l.1", "depth": 0.9}]
    store.write_recording(folder / "r.h5", recording(rng))
    store.write_stimuli(folder / "s.h5", Stimuli(np.zeros((2, 4, 5, 3), np.uint8), ("x", "y")))
    store.write_activations(
        folder / "a.h5", batches, ("l.0", "l.1"), ("x", "y", "z"), {"layers": layers}, "float32"
    )
    store.write_arrays(folder / "t.h5", {"n/w": np.arange(4.0), "n/b": np.array(2.0)}, {"seed": 1})
    store.write_weights(folder / "w.safetensors", {"w": torch.arange(3.0)}, {"source": "s"})
    store.write_table(folder / "t.parquet", pd.DataFrame({"a": [1, 2], "b": ["x", None]}))
    store.write_table(folder / "t.csv", pd.DataFrame({"a": [1.5, 2]}))
    return maps


@pytest.mark.network
def test_everything_is_read_back_as_written(rng, tmp_path):
    maps = write_each(rng, tmp_path)
    read = store.read_recording(tmp_path / "r.h5")
    assert read.image_ids == ("a.png", "b.png", "ü.png")
    assert read.attributes == {"area": "IT"}
    np.testing.assert_array_equal(read.trials[..., 0], read.responses)
    assert store.read_stimuli(tmp_path / "s.h5").images.shape == (2, 4, 5, 3)
    opened = store.open_activations(tmp_path / "a.h5")
    assert opened.layers == ("l.0", "l.1")
    assert opened.depths == {"l.0": 0.2, "l.1": 0.9}
    np.testing.assert_array_equal(opened.read("l.0", [2, 0]), maps["l.0"][[2, 0]])
    arrays, attributes = store.read_arrays(tmp_path / "t.h5")
    assert set(arrays) == {"n/w", "n/b"}
    assert attributes == {"seed": 1}
    state, about = store.read_weights(tmp_path / "w.safetensors")
    assert state["w"].tolist() == [0, 1, 2]
    assert about == {"source": "s"}
    assert store.read_table(tmp_path / "t.parquet")["b"].tolist()[0] == "x"
    assert pd.read_csv(tmp_path / "t.csv")["a"].tolist() == [1.5, 2]


@pytest.mark.network
def test_layers_can_be_reduced_while_they_are_read(rng, tmp_path, monkeypatch):
    maps = write_each(rng, tmp_path)
    monkeypatch.setattr(activations, "READ_BYTES", 1)  # one chunk at a time, which is a batch
    sizes = []

    def mean(values):
        sizes.append(len(values))
        return values.mean((1, 2))

    found = store.open_activations(tmp_path / "a.h5").read("l.1", [1, 2, 0], mean)
    np.testing.assert_allclose(found, maps["l.1"][[1, 2, 0]].mean((1, 2)), rtol=1e-6)
    assert sizes == [2, 1]


@pytest.mark.network
def test_same_input_gives_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_each(np.random.default_rng(5), tmp_path / name)
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize(("count", "batch"), [(1, 4), (4, 4), (9, 4), (7, 3)])
def test_layers_are_written_as_hdf5_itself_reads_them(
    rng, tmp_path, monkeypatch, dtype, count, batch, packed
):
    """Whole chunks, parts of a batch, last chunks that are not full, maps of any size, vectors."""
    monkeypatch.setattr(activations, "CHUNK_BYTES", 200)  # so that chunks of `map` are parts
    layers = {"map": rng.standard_normal((count, 3, 2, 5)), "flat": rng.standard_normal((count, 7))}
    layers = {name: values.astype(dtype) for name, values in layers.items()}
    batches = [
        (start, {name: values[start : start + batch] for name, values in layers.items()})
        for start in range(0, count, batch)
    ]
    names = [str(index) for index in range(count)]
    store.write_activations(
        tmp_path / "a.h5", batches, tuple(layers), names, {}, dtype, threads=3, packed=packed
    )
    with h5py.File(tmp_path / "a.h5") as handle:
        for name, values in layers.items():
            dataset = handle["layers"][name]
            filters = ("gzip", True) if packed else (None, False)
            assert (dataset.compression, dataset.shuffle, dataset.dtype) == (*filters, dtype)
            np.testing.assert_array_equal(dataset[...], values)


def test_files_with_a_chunk_for_every_image_are_read_as_before(rng, tmp_path):
    """As releases before 0.2 wrote them."""
    values = rng.standard_normal((5, 2, 2, 3)).astype("float32")
    layers = [{"name": "l", "depth": 0.5}]
    batches = [(0, {"l": values})]
    store.write_activations(
        tmp_path / "a.h5", batches, ("l",), "abcde", {"layers": layers}, "float32"
    )
    with h5py.File(tmp_path / "a.h5", "a") as handle:
        del handle["layers/l"]
        handle.create_dataset(
            "layers/l", data=values, chunks=(1, 2, 2, 3), compression="gzip", shuffle=True
        )
    opened = store.open_activations(tmp_path / "a.h5")
    np.testing.assert_array_equal(opened.read("l", [4, 0]), values[[4, 0]])
    np.testing.assert_array_equal(opened.read("l", [4, 0], lambda maps: maps), values[[4, 0]])


def test_what_fails_while_a_batch_is_written_ends_the_forward_passes(tmp_path):
    """The thread's error is raised in the caller, who makes at most two batches more."""
    made = []

    def batches():
        for start in range(50):
            made.append(start)
            yield start, {"deep": np.full((1, 2), np.nan if start == 1 else 0.0)}

    names = [f"image{index}" for index in range(50)]
    with pytest.raises(UserError, match="not finite for image 'image1'"):
        store.write_activations(tmp_path / "a.h5", batches(), ("deep",), names, {}, "float32")
    assert len(made) <= 4 and list(tmp_path.iterdir()) == []


def test_what_fails_in_a_forward_pass_leaves_no_file(tmp_path):
    def batches():
        yield 0, {"deep": np.zeros((1, 2))}
        raise ValueError("no memory")

    with pytest.raises(ValueError, match="no memory"):
        store.write_activations(tmp_path / "a.h5", batches(), ("deep",), ("a", "b"), {}, "float32")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_former_file_and_nothing_else(tmp_path):
    target = tmp_path / "sub" / "x.csv"
    store.write_table(target, pd.DataFrame({"a": [1]}))
    before = target.read_bytes()
    with pytest.raises(RuntimeError, match="disk"), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError("disk full")
    assert target.read_bytes() == before
    assert [path.name for path in target.parent.iterdir()] == ["x.csv"]


def test_an_older_writer_of_the_same_file_never_puts_the_newers_half_in_place(tmp_path):
    """A job on a node that a scheduler lost lives on while the same job runs again elsewhere."""
    target = tmp_path / "x.txt"
    with atomic_path(target) as older:
        older.write_text("old")
        with atomic_path(target) as newer:
            newer.write_text("new")
    assert target.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["x.txt"]


@pytest.mark.parametrize(
    ("value", "dtype"), [(np.nan, "float32"), (np.inf, "float32"), (1e5, "float16")]
)
def test_activations_that_are_not_finite_name_layer_and_image(tmp_path, value, dtype):
    maps = np.zeros((2, 2, 2, 1), "float32")
    maps[1, 0, 1] = value
    with pytest.raises(UserError, match=r"layer 'deep'.*image 'b'.*float32"):
        store.write_activations(
            tmp_path / "a.h5", [(0, {"deep": maps})], ("deep",), ("a", "b"), {}, dtype
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.network
def test_files_of_another_kind_or_broken_are_refused_by_name(rng, tmp_path):
    write_each(rng, tmp_path)
    with pytest.raises(UserError, match=r"s\.h5: holds 'stimuli', not 'recording'"):
        store.read_recording(tmp_path / "s.h5")
    whole = (tmp_path / "r.h5").read_bytes()
    (tmp_path / "r.h5").write_bytes(whole[:200])
    with pytest.raises(UserError, match=r"r\.h5: not a readable HDF5 file.*delete it"):
        store.read_recording(tmp_path / "r.h5")
    (tmp_path / "w.safetensors").write_bytes(b"12345678")
    with pytest.raises(UserError, match=r"w\.safetensors: not a readable safetensors file"):
        store.read_weights(tmp_path / "w.safetensors")


def test_recordings_and_stimuli_that_do_not_fit_their_names_are_refused():
    values = np.zeros((2, 1, 1, 1, 3), "float32")
    with pytest.raises(UserError, match="do not fit 1 image ids"):
        Recording(values, ("a",), ("x", "y", "z"))
    with pytest.raises(UserError, match=r"site ids must be unique.*'x'"):
        Recording(values, ("a", "b"), ("x", "x", "z"))
    with pytest.raises(UserError, match=r"expected .'image', 'y'"):
        Recording(values[0], ("a",), ("x",))
    with pytest.raises(UserError, match="must be uint8"):
        Stimuli(np.zeros((1, 4, 4, 3)), ("a",))


def test_what_a_table_is_about_is_read_without_the_table(tmp_path):
    table = pd.DataFrame({"model": ["m", "m"], "fold": ["a", "b"], "seed": [3, 3], "r": [0.1, 0.2]})
    store.write_table(tmp_path / "t.parquet", table.astype({"model": "category"}))
    names = ("model", "fold", "seed", "weights")
    assert store.read_constants(tmp_path / "t.parquet", names) == {"model": "m", "seed": "3"}
    assert store.count_rows(tmp_path / "t.parquet") == 2
    store.write_table(tmp_path / "t.parquet", table.iloc[:0])
    assert store.read_constants(tmp_path / "t.parquet", names) == {}
    assert store.count_rows(tmp_path / "t.parquet") == 0


def test_every_name_that_the_store_hands_on_is_there():
    assert all(hasattr(store, name) for name in store.__all__)
