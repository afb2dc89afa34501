"""The rule's script on files: ClickMe's shards from end to end, and what it makes of bad input."""

import io
import json
import re
import shutil
import tarfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tfrecord.writer import TFRecordWriter

import prepare_clickme
import train_harmonized
from itcortex import store
from itcortex.data.published import clickme
from itcortex.errors import UserError
from itcortex.training import checkpoint
from itcortex.training.images.sources import open_samples
from itcortex.training.recipe import Recipe
from made.training import CLASSES, blobs, network, png, same, shard

pytestmark = [pytest.mark.network, pytest.mark.process]

RECIPE = {
    "epochs": 2, "batch_size": 8, "warmup_epochs": 1, "learning_rate": 0.1, "map_share": 0.5,
}  # fmt: skip


def webdataset(path, count, seed=0) -> str:
    """A tar archive of made images with labels."""
    images, labels, _ = blobs(count, seed)
    with tarfile.open(path, "w") as archive:
        for n in range(count):
            for ending, content in (("cls", b"%d" % labels[n]), ("png", png(images[n]))):
                header = tarfile.TarInfo(f"{n:04}.{ending}")
                header.size = len(content)
                archive.addfile(header, io.BytesIO(content))
    return str(path)


def run(folder, **changed):
    """One job: 24 images with a label, 24 with a map, 8 to judge, unless `changed`; its outputs."""
    folder.mkdir(parents=True, exist_ok=True)
    outputs = {"weights": folder / "seed-0.safetensors", "history": folder / "seed-0.parquet",
               "about": folder / "seed-0.json"}  # fmt: skip
    settings = {
        "labelled": [], "mapped": [], "validation": [], "network": network(), "strength": 1.0,
        "seed": 0, "recipe": RECIPE | changed.pop("recipe", {}), "device": "cpu", "processes": 1,
        "workers": 0, "checkpoint_steps": 1,
    }  # fmt: skip
    tar = folder.parent / "labelled.tar"  # written once: a training knows an archive by its date
    made = {
        "labelled": lambda: [str(tar) if tar.exists() else webdataset(tar, 24, 0)],
        "mapped": lambda: [shard(folder.parent / "mapped.parquet", 24, 1)],
        "validation": lambda: [shard(folder.parent / "validation.parquet", 8, 2)],
    }
    files = {kind: make() for kind, make in made.items() if kind not in changed}
    train_harmonized.main(**outputs, **settings | files | changed)
    return outputs


def refused(folder, **changed) -> str:
    """What the job is refused with; it leaves no outputs."""
    with pytest.raises(UserError) as error:
        run(folder, **changed)
    assert not [path for path in folder.iterdir() if not path.name.startswith(".")]
    return str(error.value)


def state_of(folder):
    """Tensors and progress of the checkpoint that a job left."""
    path = checkpoint.folder_beside(folder / "seed-0.safetensors") / checkpoint.NAME
    return store.read_weights(path)


# --- ClickMe --------------------------------------------------------------------------------------


def jpeg(pixels) -> bytes:
    """Content of a JPEG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def clickme_shard(folder, split, number, count, seed) -> str:
    """A shard as rule prepare_clickme makes it, of made images and maps; its last record is damaged."""
    images, labels, maps = blobs(count, seed, side=256)
    records = folder / f"{split}-{number}.tfrecords"
    writer = TFRecordWriter(str(records))
    for image, label, human in zip(images, labels, maps, strict=True):
        content = {"image": jpeg(image), "heatmap": jpeg(np.uint8(255 * human))}
        features = {name: (value, "byte") for name, value in content.items()}
        writer.write(features | {"label": (int(label), "int")})
    writer.close()
    content = bytearray(records.read_bytes())
    content[-100] ^= 1
    records.write_bytes(content)
    made = folder / "clickme" / split / f"{number}.parquet"
    prepare_clickme.main(records, made, folder / "problems.parquet", max_corrupt=0.5)
    return str(made)


def test_clickme_shards_train_and_judge_from_end_to_end(tmp_path):
    mapped = [clickme_shard(tmp_path, "train", n, 9, n) for n in (0, 1)]
    validation = [clickme_shard(tmp_path, "val", 0, 6, 7)]
    outputs = run(tmp_path / "out", mapped=mapped, validation=validation)
    table = store.read_table(outputs["history"])
    assert table["n_images"].tolist() == [48, 48]  # 24 labelled and as many with a map, of 16
    assert (table["n_maps"] + table["n_empty_maps"]).tolist() == [24, 24]
    assert (table["n_maps"] > 12).all() and (table["harmonization"] > 0).all()
    assert table["n_validation"].tolist() == table["n_aligned"].tolist() == [5, 5]
    assert (table["n_undefined"] == 0).all() and table["validation_alignment"].between(-1, 1).all()
    state, attributes = store.read_weights(outputs["weights"])
    assert attributes["source"] == "harmonized:strength=1,seed=0"
    assert all(value.isfinite().all() for value in state.values() if value.is_floating_point())

    samples = open_samples(mapped, tmp_path / "scratch")
    records = pd.concat([pd.read_parquet(path) for path in mapped], ignore_index=True)
    assert len(records) == len(samples.labels) == 16  # of 18, one damaged in each
    for row in (0, 15):
        sample, record = samples.read(row), records.loc[row]
        assert sample.image_id == f"{record['shard']}:{record['offset']}"
        wanted = clickme.human_maps(clickme.jpeg_pixels(record["heatmap"], "heatmap")[None])[0]
        np.testing.assert_array_equal(sample.human_map, wanted)


def test_clickme_alone_trains_too(tmp_path):
    mapped = [clickme_shard(tmp_path, "train", 0, 9, 0)]
    outputs = run(tmp_path / "out", labelled=[], mapped=mapped, validation=[])
    table = store.read_table(outputs["history"])
    assert table["n_images"].tolist() == [8, 8] and (table["harmonization"] > 0).all()
    assert "validation_accuracy" not in table


# --- bad input ------------------------------------------------------------------------------------


def mapped_shard(path, maps) -> str:
    """24 made images, with these maps."""
    images, labels, _ = blobs(24, 1)
    content = [png(one) for one in maps]
    table = pd.DataFrame({"image": [png(i) for i in images], "label": labels, "map": content})
    table.to_parquet(path)
    return str(path)


def test_maps_of_another_aspect_are_refused_and_of_another_size_taken(tmp_path, rng):
    wide = rng.integers(256, size=(24, 24, 30), dtype=np.uint8)
    message = refused(tmp_path / "a", mapped=[mapped_shard(tmp_path / "wide.parquet", wide)])
    assert "wide.parquet:" in message and "the human map is 30 x 24 pixels" in message
    assert "the image 24 x 24" in message and "bring the map to its image's aspect" in message
    large = mapped_shard(
        tmp_path / "large.parquet", np.repeat(np.repeat(wide[..., :24], 2, 1), 2, 2)
    )
    outputs = run(tmp_path / "b", mapped=[large])
    assert (store.read_table(outputs["history"])["n_maps"] == 24).all()


def test_empty_maps_are_counted_and_all_of_them_are_refused(tmp_path):
    maps = np.uint8(255 * blobs(24, 1)[2])
    maps[::2] = 90
    some = mapped_shard(tmp_path / "some.parquet", maps)
    # whole images, so that a map is empty only if it was made so
    outputs = run(tmp_path / "a", mapped=[some], recipe={"crop_scale": [1, 1]})
    table = store.read_table(outputs["history"])
    assert table["n_maps"].tolist() == table["n_empty_maps"].tolist() == [12, 12]
    none = mapped_shard(tmp_path / "none.parquet", np.full_like(maps, 90))
    message = refused(tmp_path / "b", mapped=[none])
    assert "all 24 human maps of the first epoch are empty" in message and none in message
    baseline = run(tmp_path / "c", mapped=[none], strength=0.0)  # which looks at no map
    assert store.read_table(baseline["history"])["n_empty_maps"].tolist() == [24, 24]


@pytest.mark.parametrize("kind", ["labelled", "mapped", "validation"])
def test_labels_out_of_range_are_refused_before_a_step(tmp_path, kind):
    images, labels, maps = blobs(24)
    labels[5] = CLASSES
    table = {"image": [png(i) for i in images], "label": labels}
    pd.DataFrame(table | {"map": [png(np.uint8(255 * m)) for m in maps]}).to_parquet(
        tmp_path / "bad.parquet"
    )
    message = refused(tmp_path / "a", **{kind: [str(tmp_path / "bad.parquet")]})
    assert f"{kind}: 1 labels are out of range, the first {CLASSES} of bad.parquet:5" in message
    assert f"{CLASSES} classes (0 to {CLASSES - 1})" in message


@pytest.mark.parametrize("kind", ["labelled", "mapped", "validation"])
@pytest.mark.parametrize("make", [shard, webdataset])
def test_a_shard_cut_in_the_middle_is_refused_by_name(tmp_path, kind, make):
    path = tmp_path / f"cut.{'tar' if make is webdataset else 'parquet'}"
    make(path, 24, 3)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    message = refused(tmp_path / "a", **{kind: [str(path)]})
    assert str(path) in message and "delete" in message and "cut off" in message
    assert (" member '00" in message) == (make is webdataset)  # its name


def test_a_loss_that_is_not_finite_says_all_and_leaves_the_last_good_checkpoint(tmp_path):
    """A learning rate beyond all measure: after a step weights are vast, and the next one fails.

    By default such weights are refused at once; here they may grow.
    """
    wild = {"recipe": {"learning_rate": 1e18, "warmup_epochs": 0, "largest_growth": 1e30}}
    message = refused(tmp_path / "a", **wild)
    step = int(message.partition("step ")[2].partition(":")[0])
    assert step > 1 and "the loss or its gradient is not finite" in message
    for part in ("total", "cross_entropy", "harmonization", "decay", "gradient norm"):
        assert part in message
    images = set(re.findall(r"labelled\.tar:\d+\.png|mapped\.parquet:\d+", message))
    assert len(images) == 8  # the batch's
    tensors, about = state_of(tmp_path / "a")
    assert about["step"] == step - 1
    assert all(value.isfinite().all() for value in tensors.values())
    again = refused(tmp_path / "a", **wild)
    assert again == message  # from that checkpoint, the same step fails in the same way
    assert state_of(tmp_path / "a")[1] == about
    assert same(state_of(tmp_path / "a")[0], tensors)
    folder = checkpoint.folder_beside(tmp_path / "a" / "seed-0.safetensors")
    assert message.endswith(f"and delete {folder}, for other settings start over")
    assert f"Delete {folder}" in refused(tmp_path / "a")  # it is so: calmer settings are others
    shutil.rmtree(folder)
    assert run(tmp_path / "a")["weights"].exists()


WEIGHTS = r"step 1: it left 0\.weight, .* not finite \(\d+ of the network's tensors\)"
JUDGED = "step 1, the end of epoch 1: the cross-entropy of the validation images is nan"


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ({"learning_rate": 1e38, "weight_decay": 1e3}, WEIGHTS),
        ({"learning_rate": 1e18, "epochs": 1, "batch_size": 48}, JUDGED),
        ({"learning_rate": 1e18, "epochs": 1, "batch_size": 48, "ema": 0.9}, JUDGED),
    ],
)
def test_a_step_that_ruins_the_network_is_not_kept(tmp_path, recipe, said):
    """No further step tells of it where it is the last one of all."""
    message = refused(tmp_path / "a", recipe=recipe | {"warmup_epochs": 0})
    assert re.match(f"{said}; nothing was kept; lower learning_rate or strength", message), message
    path = checkpoint.folder_beside(tmp_path / "a" / "seed-0.safetensors") / checkpoint.NAME
    assert not path.exists()


@pytest.mark.parametrize("strength", [-0.5, float("nan"), float("inf")])
def test_a_strength_below_0_is_refused(tmp_path, strength):
    message = refused(tmp_path / "a", strength=strength)
    assert f"strength: {strength} is not a finite number of at least 0" in message


def test_a_checkpoint_of_another_architecture_is_refused_and_kept(tmp_path, monkeypatch):
    def fall(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store, "write_table", fall)  # killed after the last step, before the outputs
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "a")
    before = state_of(tmp_path / "a")[1]
    message = refused(tmp_path / "a", network=network() | {"architecture": "large_net"})
    assert "architecture was 'small_net', is 'large_net'" in message and "start over" in message
    assert state_of(tmp_path / "a")[1] == before and before["step"] == 12
    assert run(tmp_path / "a")["weights"].exists()  # the former one still can be finished


def test_event_files_lie_where_they_are_asked_for(tmp_path, monkeypatch):
    """What the script hands on; test_train_events has what is in them."""
    places = []
    train = train_harmonized.train
    monkeypatch.setattr(
        train_harmonized,
        "train",
        lambda plan, data, place: places.append(place) or train(plan, data, place),
    )
    monkeypatch.setattr("itcortex.training.events.find_spec", lambda _name: None)
    message = refused(tmp_path / "a", tensorboard=str(tmp_path / "seed-0.tensorboard"))
    assert "need the package tensorboard" in message
    assert places[0].tensorboard == tmp_path / "seed-0.tensorboard"
    run(tmp_path / "a")
    assert places[1].tensorboard is None


def test_folders_of_other_classes_to_judge_are_refused(tmp_path):
    """Labels would follow each folder's own order."""
    for kind, names in (("train", ("ant", "bee", "cat")), ("val", ("bee", "cat"))):
        for n, name in enumerate(names):
            path = tmp_path / kind / name / "0.png"
            path.parent.mkdir(parents=True)
            Image.new("RGB", (24, 24), (80 * n, 0, 0)).save(path)
    message = refused(
        tmp_path / "a", labelled=[str(tmp_path / "train")], validation=[str(tmp_path / "val")]
    )
    assert "val: its class folders are not those of" in message and "only one has 'ant'" in message


def test_a_file_beside_the_weights_tells_all_hyper_parameters(tmp_path):
    outputs = run(tmp_path / "job")
    about = json.loads(outputs["about"].read_text())
    assert about == store.read_weights(outputs["weights"])[1]
    assert about["training"]["recipe"] == Recipe.of(RECIPE).asdict()
    assert (about["training"]["strength"], about["training"]["seed"]) == (1.0, 0)
    assert about["results"]["validation_accuracy"] >= 0
