"""Trainings without labels: a network that keeps what it said, with frozen statistics of batch norm."""

import json
import logging

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import functional

import train_harmonized
from itcortex import store
from itcortex.errors import UserError
from itcortex.networks.network import Network
from itcortex.training.distributed import Group
from itcortex.training.images.samples import Arrays
from itcortex.training.interruption import StoppedError
from itcortex.training.own_labels import OwnLabels
from itcortex.training.plan import Data, Place
from itcortex.training.recipe import learning_rate
from itcortex.training.train import identity_of, train
from itcortex.training.trainer import Trainer
from made.training import Interrupted, arrays, blobs, network, png, same
from made.trainings import after_every_step, plan_of

pytestmark = [pytest.mark.network, pytest.mark.process]

OWN = {
    "labels": "own", "label_smoothing": 0, "frozen_statistics": True, "kept": "best_alignment",
    "least_agreement": 0.8, "weight_decay": 0.0, "epsilon": "relative", "saliency": "max_abs",
}  # fmt: skip
NORMS = ("1.running_mean", "1.running_var", "1.num_batches_tracked")


def start():
    """Weights to start from, with statistics of batch norm unlike those of any batch."""
    state = Network(**network()).build(7).state_dict()
    for place in ("1", "4"):
        state[f"{place}.running_mean"] += 0.3
        state[f"{place}.running_var"] *= 1.7
    return state


def own_data(labelled=None):
    """Photographs whose labels are no class at all."""
    parts = (arrays(48, 0, mapped=False), arrays(48, 1), arrays(12, 2))
    for part in parts:
        part.labels = np.full(len(part.labels), -1)
    return Data(labelled or parts[0], *parts[1:])


def own_run(folder, data=None, every=1000, strength=5.0, **settings):
    """A training with its own labels, from start to end."""
    plan = plan_of(strength=strength, start=start(), **OWN | settings)
    return train(plan, data or own_data(), Place(folder, checkpoint_steps=every))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Such a training of four epochs."""
    return own_run(tmp_path_factory.mktemp("own"), epochs=4)


# --- what it computes -----------------------------------------------------------------------------


def test_steps_are_those_of_a_loop_written_out(tmp_path):
    """Oracle: the frozen network's softmax of the very crop is learnt, its first class looked at."""
    settings = OWN | {"epochs": 1, "kept": "last"}
    plan = plan_of(strength=0.5, start=start(), net={"dropout": 0.0}, **settings)
    data = own_data()
    trained = train(plan, data, Place(tmp_path))
    shown = Trainer(Group(), plan, data, Place(tmp_path / "other"), identity_of(plan, data))
    before, net = (Network(**network(dropout=0.0)).build(0) for _ in range(2))
    before.load_state_dict(start())
    net.load_state_dict(start())
    before.eval()
    net.eval()  # batch norm frozen, and no dropout
    optimizer = torch.optim.SGD(net.parameters(), 0.1, 0.9, nesterov=True)
    for step, keys in enumerate(shown.steps):
        items = [shown.images[key] for key in keys]
        pixels = torch.from_numpy(np.stack([item.image for item in items]))
        images = ((pixels.permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.25).requires_grad_()
        target = functional.softmax(before(images), 1).detach()
        scores = net(images)
        entropy = -(target * functional.log_softmax(scores, 1)).sum(1).mean()
        chosen = scores[range(len(items)), target.argmax(1)].sum()
        (gradient,) = torch.autograd.grad(chosen, images, create_graph=True)
        tokens = torch.tensor([float(item.human_map is not None) for item in items])
        humans = torch.zeros(images.shape[0], 16, 16)
        for place, item in enumerate(items):
            if item.human_map is not None:
                humans[place] = torch.from_numpy(item.human_map)
        from itcortex.harmonizer.loss import harmonization_error

        error = harmonization_error(
            gradient.abs().amax(1), humans, tokens, plan.recipe.levels, "relative"
        )
        optimizer.param_groups[0]["lr"] = learning_rate(plan.recipe, step, 6)
        optimizer.zero_grad()
        (entropy + 0.5 * error).backward()
        optimizer.step()
    for name, value in net.state_dict().items():  # float32, another order of sums
        torch.testing.assert_close(trained.state[name], value, rtol=1e-3, atol=1e-5)
    for name in NORMS:
        assert torch.equal(trained.state[name], start()[name])


def test_without_harmonization_the_network_has_nothing_to_learn(tmp_path):
    """Identity: it already says what it is to say; rounding leaves gradients of some 1e-8."""
    found = own_run(tmp_path, strength=0.0, net={"dropout": 0.0})
    for name, value in start().items():
        torch.testing.assert_close(found.state[name], value, rtol=0, atol=1e-5)
    (first, *_) = found.rows
    assert first["agreement"] == first["validation_agreement"] == 1
    assert first["validation_divergence"] == pytest.approx(0, abs=1e-6)
    assert found.before["validation_alignment"] == pytest.approx(first["validation_alignment"])


def test_agreement_and_divergence_are_with_the_network_before(whole, tmp_path):
    """Oracle: both networks, shown the whole photographs, and a sum over classes."""
    trained = own_run(tmp_path, epochs=4, kept="last")
    shown = Trainer(
        Group(), plan_of(start=start(), **OWN), own_data(), Place(tmp_path / "x"), {}
    )  # fmt: skip
    from itcortex.training.batches import Judged, collate

    items = Judged(own_data().validation, 1.0, shown.preprocessing)
    images = collate([items[k] for k in range(12)]).inputs(
        shown.preprocessing, torch.device("cpu"), channels_last=False
    )
    before, after = (Network(**network()).build(0).eval() for _ in range(2))
    before.load_state_dict(start())
    after.load_state_dict(trained.state)
    p, q = (functional.softmax(net(images), 1).detach().double() for net in (before, after))
    last = trained.rows[-1]
    assert last["validation_agreement"] == (p.argmax(1) == q.argmax(1)).double().mean()
    expected = float((p * (p / q).log()).sum(1).mean())
    assert expected > 1e-4  # it moved
    assert last["validation_divergence"] == pytest.approx(expected, rel=1e-3)
    entropy = float(-(p * q.log()).sum(1).mean())
    assert last["validation_cross_entropy"] == pytest.approx(entropy, rel=1e-4)
    assert "validation_accuracy" not in last and "accuracy" not in last


def test_the_target_stays_where_the_first_class_changes():
    net = nn.Sequential(nn.Flatten(), nn.Linear(12, 3))
    images = torch.randn(5, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    own = OwnLabels(net)
    classes, targets = own(images)
    net[1].weight.data.neg_()
    again, same_targets = own(images)
    assert torch.equal(classes, again) and torch.equal(targets, same_targets)
    assert not torch.equal(net(images).argmax(1), classes)
    torch.testing.assert_close(targets.sum(1), torch.ones(5))


# --- what is kept ---------------------------------------------------------------------------------


def test_the_kept_weights_are_those_of_the_best_epoch(whole, tmp_path, monkeypatch):
    states = []

    def watch(model, step):
        if step % 6 == 0:
            states.append({k: v.clone() for k, v in model.state_dict().items()})

    after_every_step(monkeypatch, watch)
    found = own_run(tmp_path, epochs=4)
    agrees = [row["validation_agreement"] >= 0.8 for row in found.rows]
    value = "validation_alignment" if any(agrees) else "validation_agreement"
    values = [
        row[value] if agree or not any(agrees) else -1
        for row, agree in zip(found.rows, agrees, strict=True)
    ]
    assert found.kept_epoch == int(np.argmax(values)) + 1 == whole.kept_epoch
    assert same(found.state, states[found.kept_epoch - 1])
    assert found.attributes["kept_epoch"] == found.kept_epoch
    assert (
        found.attributes["results"]["validation_alignment"]
        == (found.rows[found.kept_epoch - 1]["validation_alignment"])
    )
    assert found.table()["kept"].tolist() == [k + 1 == found.kept_epoch for k in range(4)]
    json.dumps(found.attributes)


@pytest.mark.parametrize("reads", [20, 77, 150, 192])
def test_a_stopped_training_goes_on_bit_for_bit(tmp_path, whole, reads):
    data = own_data()
    data.labelled = Interrupted(data.labelled, reads)
    with pytest.raises(StoppedError):
        own_run(tmp_path, data, epochs=4)
    resumed = own_run(tmp_path, epochs=4)
    assert same(whole.state, resumed.state) and resumed.kept_epoch == whole.kept_epoch
    assert resumed.before == whole.before
    timing = ["seconds", "images_per_s", "waiting"]
    pd.testing.assert_frame_equal(
        whole.table().drop(columns=timing), resumed.table().drop(columns=timing)
    )


def test_a_network_that_forgets_is_kept_and_marked(tmp_path, monkeypatch):
    def forget(model, step):
        if step == 1:
            with torch.no_grad():
                model[-1].weight.neg_()
                model[-1].bias.neg_()

    after_every_step(monkeypatch, forget)
    found = own_run(tmp_path, strength=0.0, learning_rate=1e-9, epochs=1)
    assert found.collapsed and found.attributes["collapsed"] is True
    assert found.rows[0]["validation_agreement"] < 0.8 and found.kept_epoch == 1


# --- what is refused ------------------------------------------------------------------------------


def constant(samples, count):
    """The first maps say nothing."""
    samples.maps[:count] = 0.5
    return samples


def repeated(samples):
    """One photograph, again and again."""
    samples.images[:] = samples.images[0]
    return samples


def test_own_labels_need_weights_to_start_from(tmp_path):
    with pytest.raises(UserError, match="labels: own, but nothing to start from"):
        train(plan_of(**OWN), own_data(), Place(tmp_path))


@pytest.mark.parametrize(
    ("change", "settings", "said"),
    [
        (lambda one: arrays(9, 2), {}, "9 are used .*9 different photographs.*hold out more"),
        (lambda one: constant(one, 3), {}, "12 are used .*9 different photographs whose maps vary"),
        (
            lambda one: constant(one, 12),
            {},
            "12 are used .*0 different photographs whose maps vary",
        ),
        (repeated, {}, "12 are used .*1 different photographs whose maps vary"),
        (lambda one: one, {"alignment_images": 0}, "0 are used .*raise alignment_images from 0"),
        (lambda one: one, {"alignment_images": 9}, "9 are used .*raise alignment_images from 9"),
    ],
)
def test_too_few_held_out_photographs_choose_no_epoch(tmp_path, change, settings, said):
    data = own_data()
    data.validation = change(data.validation)
    with pytest.raises(UserError, match=rf"validation: \d+ images with a human map.*{said}") as e:
        own_run(tmp_path, data, **settings)
    assert "needs at least 10" in str(e.value) and "set kept: last" in str(e.value)
    assert not list(tmp_path.iterdir())
    assert own_run(tmp_path, data, kept="last", epochs=1, **settings).kept_epoch == 1


def test_a_saliency_that_is_nothing_chooses_no_epoch(tmp_path):
    """Planted: a classifier of zeros, whose scores no pixel moves; the notes have no NaN."""
    state = start()
    state["9.weight"].zero_()
    plan = plan_of(strength=0.0, start=state, **OWN | {"epochs": 2, "learning_rate": 1e-6})
    with pytest.raises(
        UserError, match=rf"12 of 12 have a saliency.*kept: last, and delete {tmp_path}"
    ):
        train(plan, own_data(), Place(tmp_path))
    plan = plan_of(strength=0.0, start=state, **OWN | {"epochs": 1, "kept": "last"})
    attributes = train(plan, own_data(), Place(tmp_path / "last")).attributes
    assert attributes["before"]["validation_alignment"] is None
    assert json.loads(json.dumps(attributes, allow_nan=False)) == attributes


@pytest.mark.parametrize("kind", ["labelled", "mapped"])
def test_a_photograph_that_is_trained_on_does_not_judge(tmp_path, kind, caplog):
    data = own_data()
    getattr(data, kind).images[7] = data.validation.images[4]
    with pytest.raises(
        UserError,
        match=rf"validation: blob2:4 .* same photograph as blob[01]:7 .*`{kind}` \(1 such",
    ):
        own_run(tmp_path, data)
    for name in ("labelled", "mapped", "validation"):  # with labels the log says it
        getattr(data, name).labels[:] = 0
    with caplog.at_level(logging.WARNING):
        train(plan_of(strength=0.0, epochs=1), data, Place(tmp_path / "given"))
    assert sum("is the same photograph" in record.getMessage() for record in caplog.records) == 1


# --- the rule -------------------------------------------------------------------------------------


def test_the_rule_trains_on_shards_without_labels(tmp_path):
    paths = {}
    for seed, (name, count) in enumerate({"mapped": 32, "validation": 12}.items()):
        images, _, maps = blobs(count, seed)
        table = {"image": [png(one) for one in images],
                 "map": [png((255 * one).astype(np.uint8)) for one in maps]}  # fmt: skip
        paths[name] = str(tmp_path / f"{name}.parquet")
        pd.DataFrame(table).to_parquet(paths[name])
    begun = tmp_path / "start.safetensors"
    store.write_weights(begun, start(), {"architecture": "small_net"})
    weights, about = tmp_path / "seed-0.safetensors", tmp_path / "seed-0.json"
    recipe = OWN | {"epochs": 2, "batch_size": 16, "warmup_epochs": 1, "learning_rate": 0.01}
    train_harmonized.main(
        [], paths["mapped"], paths["validation"], weights, tmp_path / "history.parquet", network(),
        1.0, 0, recipe, "cpu", 1, 0, 100, start=[begun], about=about,
    )  # fmt: skip
    said = json.loads(about.read_text())
    assert said["kept_epoch"] in (1, 2) and said["before"]["n_aligned"] == 12
    assert 0 <= said["results"]["validation_agreement"] <= 1 and said["collapsed"] in (True, False)
    assert store.read_weights_attributes(weights)["kept_epoch"] == said["kept_epoch"]
    with pytest.raises(UserError, match="no column 'label'"):
        train_harmonized.main(
            [], paths["mapped"], paths["validation"], weights, tmp_path / "history.parquet",
            network(), 1.0, 0, {"epochs": 1, "batch_size": 16, "warmup_epochs": 0}, "cpu", 1, 0,
            100, start=[begun],
        )  # fmt: skip


def test_samples_in_memory_need_no_labels_either():
    images, _, maps = blobs(4)
    assert Arrays(images, np.full(4, -1), maps).mapped.all()
