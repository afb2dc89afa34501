"""The training loop: checkpoints, data and values that it refuses."""

import resource
import signal

import pytest
import torch

from itcortex.errors import UserError
from itcortex.networks.network import Network
from itcortex.training import checkpoint, trainer
from itcortex.training.images.samples import Arrays
from itcortex.training.interruption import StoppedError
from itcortex.training.plan import Place, Plan
from itcortex.training.train import identity_of, train
from made.training import (
    CLASSES,
    Interrupted,
    arrays,
    blobs,
    network,
    same,
    small_net,
)
from made.trainings import after_every_step, copy_checkpoint, data_of, plan_of, run

pytestmark = [pytest.mark.network, pytest.mark.process]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"learning_rate": 0.2},
            r"recipe\.learning_rate was 0\.1, is 0\.2\. Delete .* to start over",
        ),
        ({"strength": 2.0}, r"strength was 1\.0, is 2\.0"),
        ({"net": {"norm": "group"}}, r"network\.arguments\.norm was None, is 'group'"),
        ({"seed": 1, "clip": 1.0}, r"seed was 0, is 1; recipe\.clip was 0\.0, is 1\.0"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused_by_name(tmp_path, finished, changed, message):
    copy_checkpoint(finished(epochs=1)[1], tmp_path)
    with pytest.raises(UserError, match=message):
        run(tmp_path, **{"epochs": 1} | changed)


def test_a_checkpoint_of_another_architecture_is_refused_by_name(tmp_path, finished):
    copy_checkpoint(finished(epochs=1)[1], tmp_path)
    plan = plan_of(epochs=1)
    other = Network(**network() | {"architecture": "large_net"})
    with pytest.raises(UserError, match="architecture was 'small_net', is 'large_net'"):
        train(Plan(other, plan.recipe, 1.0, 0), data_of(), Place(tmp_path))


def test_a_checkpoint_of_other_data_is_refused(tmp_path, finished):
    copy_checkpoint(finished(epochs=1)[1], tmp_path)
    with pytest.raises(UserError, match="labelled was"):
        run(tmp_path, data_of(arrays(48, 9, mapped=False)), epochs=1)


def checkpoint_of_a_stopped_run(folder):
    """The checkpoint that a training leaves which was asked to stop after 30 images."""
    data = data_of()
    data.labelled = Interrupted(data.labelled, 30)
    with pytest.raises(StoppedError):
        run(folder, data)
    return folder / checkpoint.NAME


def test_a_damaged_checkpoint_is_refused(tmp_path, finished):
    copy_checkpoint(finished(epochs=1)[1], tmp_path)
    path = tmp_path / checkpoint.NAME
    whole = path.read_bytes()
    for length in (0, 100, len(whole) // 2):
        path.write_bytes(whole[:length])
        with pytest.raises(
            UserError,
            match=rf"not a readable safetensors file.*; delete {tmp_path}, and the training",
        ):
            run(tmp_path, epochs=1)


@pytest.mark.parametrize("place", ["weights", "step", "identity"])
def test_a_checkpoint_with_a_flipped_bit_is_refused(tmp_path, place):
    """It still is a file of tensors, and would go on to another result."""
    path = checkpoint_of_a_stopped_run(tmp_path)
    content = bytearray(path.read_bytes())
    at = {"weights": -200, "step": content.index(b'\\"step\\": ') + 10, "identity": -200}[place]
    content[at] ^= 1
    if place == "identity":  # an older version wrote no digest
        content = path.read_bytes().replace(b'\\"content\\"', b'\\"contest\\"')
    path.write_bytes(content)
    with pytest.raises(
        UserError, match=rf"(damaged|older version.*); delete {tmp_path}, and the tr"
    ):
        run(tmp_path)


def test_a_loss_that_is_not_finite_stops_with_all_that_is_known(tmp_path, monkeypatch):
    """Planted: one image makes the scores NaN in the second epoch; the last good checkpoint is kept."""

    def poison(model, step):
        if step == 8:
            with torch.no_grad():
                model[0].weight.fill_(float("nan"))

    after_every_step(monkeypatch, poison)
    with pytest.raises(UserError) as found:
        run(tmp_path)
    message = str(found.value)
    assert "step 9: the loss or its gradient is not finite" in message
    assert "cross_entropy nan" in message and "scores not finite for" in message
    assert message.count("blob") >= 16  # the batch's images
    tensors, progress = checkpoint.read(tmp_path, identity_of(plan_of(), data_of()))
    assert progress.step == 6 and all(t.isfinite().all() for t in tensors.values())


@pytest.mark.parametrize("name", ["0.weight", "1.running_var"])
@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_a_checkpoint_of_values_that_are_not_finite_is_not_written(
    tmp_path, monkeypatch, name, ema
):
    """Planted after step 8: the averages of batch norm are those that no training step looks at."""

    def poison(model, step):
        if step == 8:
            model.state_dict()[name][0] = float("inf")

    after_every_step(monkeypatch, poison)
    with pytest.raises(
        UserError, match=rf"step 8: it left {name}.* not finite .*{checkpoint.NAME}"
    ):
        run(tmp_path, every=4, ema=ema)
    identity = identity_of(plan_of(ema=ema), data_of())
    tensors, progress = checkpoint.read(tmp_path, identity)
    assert progress.step == 6 and all(t.isfinite().all() for t in tensors.values())


def test_infinities_that_are_meant_may_stand(tmp_path):
    """As in the ranges of timm's Gemma, which are buffers too."""
    net = small_net()
    net.register_buffer("input_max", torch.tensor(float("inf")))
    assert checkpoint.not_finite(net) == []
    net[0].weight.data[0, 0, 0, 0] = net[1].running_mean[0] = float("nan")
    assert checkpoint.not_finite(net) == ["0.weight", "1.running_mean"]


def test_an_epoch_is_judged_before_its_last_step_is_kept(tmp_path, monkeypatch):
    """Or a network that judging refuses would be the last good one."""
    entropies = []

    def judge(*arguments):
        entropies.append(float("nan") if entropies else 1.0)
        return {"validation_cross_entropy": entropies[-1]}

    monkeypatch.setattr("itcortex.training.trainer.judge", judge)
    with pytest.raises(
        UserError, match=r"step 12, the end of epoch 2: the cross-entropy of .* nan"
    ):
        run(tmp_path, every=1)
    _, progress = checkpoint.read(tmp_path, identity_of(plan_of(), data_of()))
    assert progress.step == 11 and len(entropies) == 2


def test_a_gradient_that_is_not_finite_stops_although_the_loss_is(tmp_path, monkeypatch):
    def poisoned(model, recipe):
        model[0].weight.register_hook(lambda g: g * float("inf"))
        return make_optimizer(model, recipe)

    make_optimizer = trainer.make_optimizer
    monkeypatch.setattr(trainer, "make_optimizer", poisoned)
    with pytest.raises(UserError, match=r"step 1: .*gradient norm (nan|inf)"):
        run(tmp_path)


def test_a_full_disk_leaves_the_former_checkpoint(tmp_path, finished):
    """A limit on the size of files stands for the full disk: the write itself fails half-way."""
    path = checkpoint_of_a_stopped_run(tmp_path)
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
        with pytest.raises(UserError, match=r"cannot be written .*the former one stays.*make room"):
            run(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, former)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
    assert same(run(tmp_path).state, finished()[0].state)


def test_a_refused_training_leaves_no_copies_of_shards(tmp_path, finished):
    """Unless a checkpoint may still need them."""
    for folder in (tmp_path / "new", tmp_path / "begun"):
        (folder / checkpoint.SHARDS).mkdir(parents=True)
        (folder / checkpoint.SHARDS / "a.arrow").touch()
    copy_checkpoint(finished(epochs=1)[1], tmp_path / "begun")
    for folder in (tmp_path / "new", tmp_path / "begun"):
        with pytest.raises(UserError, match="strength"):
            run(folder, strength=-1.0)
    assert not (tmp_path / "new").exists()
    assert (tmp_path / "begun" / checkpoint.SHARDS / "a.arrow").exists()


def test_other_files_of_the_same_names_and_sizes_are_noticed(tmp_path, finished):
    """By their dates, which decide no weights."""
    copy_checkpoint(finished(epochs=1)[1], tmp_path)
    data = data_of()
    data.mapped.version = lambda: "12 34"
    with pytest.raises(UserError, match=r"files\.mapped was '', is '12 34'"):
        run(tmp_path, data, epochs=1)
    found = run(tmp_path / "new", data, epochs=1)
    assert found.attributes == finished(epochs=1)[0].attributes


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"strength": -1.0}, "strength: -1.0 is not a finite number of at least 0"),
        ({"batch_size": 128}, "batch_size 128 is more than the 96 images"),
        (
            {"map_share": 0.0},
            "strength: 1, but no training image has a human map; map_share: 0 shows",
        ),
    ],
)
def test_plans_that_cannot_be_are_refused_at_once(tmp_path, settings, message):
    with pytest.raises(UserError, match=message):
        run(tmp_path, **settings)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("where", ["labelled", "mapped", "validation"])
def test_labels_out_of_range_are_refused_at_once(tmp_path, where):
    data = data_of()
    images, labels, maps = blobs(48)
    setattr(data, where, Arrays(images, labels + 1, maps))
    with pytest.raises(
        UserError, match=f"{where}: .* labels are out of range, the first {CLASSES} of"
    ):
        run(tmp_path, data)


@pytest.mark.parametrize("processes", [1, 64])
def test_gpus_that_are_not_there_are_refused(tmp_path, processes):
    device = "cuda:99" if processes == 1 else "cuda"
    with pytest.raises(UserError, match=r"CUDA devices here|as many GPUs"):
        train(plan_of(batch_size=64), data_of(), Place(tmp_path, device, processes))
