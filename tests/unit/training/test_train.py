"""The training loop in one process: what it computes, keeps, refuses, and how it goes on."""

import signal
from importlib.metadata import version

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional

import train_harmonized
from itcortex import store
from itcortex.networks.network import Network
from itcortex.running import stamp
from itcortex.training import checkpoint
from itcortex.training.interruption import STOPPED, StoppedError
from itcortex.training.plan import Place
from itcortex.training.recipe import Recipe, learning_rate
from itcortex.training.train import identity_of, train
from itcortex.training.trainer import Trainer
from itcortex.weights.state import digest, load
from made.training import (
    Interrupted,
    arrays,
    network,
    same,
    shard,
    small_net,
)
from made.trainings import RECIPE, after_every_step, copy_checkpoint, data_of, plan_of, run

pytestmark = [pytest.mark.network, pytest.mark.process]

# --- what it computes -----------------------------------------------------------------------------


def test_the_first_steps_are_those_of_a_plain_loop(tmp_path):
    """Oracle: SGD with Nesterov momentum on smoothed cross-entropy and decay, written out."""
    data = data_of()
    settings = {"epochs": 1, "label_smoothing": 0.05, "weight_decay": 1e-3}
    plan = plan_of(strength=0.0, net={"dropout": 0.0}, **settings)
    trained = train(plan, data, Place(tmp_path))

    from itcortex.training.distributed import Group

    trainer = Trainer(Group(), plan, data, Place(tmp_path / "other"), identity_of(plan, data))
    net = plan.network.build(0).train()
    decayed = [p for n, p in net.named_parameters() if n.split(".")[0] not in ("1", "4")]
    optimizer = torch.optim.SGD(net.parameters(), 0.1, 0.9, nesterov=True)
    for step, keys in enumerate(trainer.steps):
        items = [trainer.images[key] for key in keys]
        pixels = np.stack([item.image for item in items])
        images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
        labels = torch.tensor([item.label for item in items])
        loss = functional.cross_entropy(net((images - 0.5) / 0.25), labels, label_smoothing=0.05)
        loss = loss + 1e-3 / 2 * sum(p.square().sum() for p in decayed)
        optimizer.param_groups[0]["lr"] = learning_rate(plan.recipe, step, 6)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for name, value in net.state_dict().items():  # float32, another order of sums
        torch.testing.assert_close(trained.state[name], value, rtol=1e-4, atol=1e-6)


def test_accumulated_parts_give_the_step_of_a_whole_batch(tmp_path):
    """Without batch norm and dropout; float32 sums in another order."""
    net = {"norm": "group", "dropout": 0.0}
    whole = run(tmp_path / "a", net=net, clip=0.5)
    parts = run(tmp_path / "b", net=net, clip=0.5, accumulation=4)
    for name, value in whole.state.items():
        torch.testing.assert_close(parts.state[name], value, rtol=1e-4, atol=1e-6)
    for column in ("loss", "harmonization", "gradient_norm", "accuracy"):
        np.testing.assert_allclose(whole.table()[column], parts.table()[column], rtol=1e-4)


def test_the_running_average_is_the_one_written_out(tmp_path, monkeypatch):
    seen = []

    def watch(model, _):
        seen.append({k: v.clone() for k, v in model.state_dict().items()})

    after_every_step(monkeypatch, watch)
    trained = run(tmp_path, ema=0.6)
    mean = Network(**network()).build(0).state_dict()["0.weight"]
    for step, state in enumerate(seen):
        decay = min(0.6, (1 + step) / (10 + step))
        mean = decay * mean + (1 - decay) * state["0.weight"]
    torch.testing.assert_close(trained.state["0.weight"], mean, rtol=1e-5, atol=1e-6)
    assert trained.state["1.num_batches_tracked"] == len(seen) == 12


def test_a_clipped_gradient_moves_the_weights_no_further(tmp_path):
    settings = {"epochs": 1, "momentum": 0.0, "schedule": "constant", "warmup_epochs": 0}
    before = Network(**network()).build(0).state_dict()
    after = run(tmp_path, clip=1e-3, weight_decay=0.0, **settings).state
    names = [n for n, _ in small_net().named_parameters()]
    moved = sum((after[n] - before[n]).square().sum() for n in names).sqrt()
    assert 0 < moved <= 6 * 0.1 * 1e-3 * 1.001  # six steps, each at most rate x clip


def test_adamw_decays_what_the_loss_would_and_not_norms(tmp_path):
    settings = {"optimizer": "adamw", "learning_rate": 1e-3, "epochs": 1, "label_smoothing": 0.0}
    plain, decayed = (
        run(tmp_path / str(decay), weight_decay=decay, **settings) for decay in (0.0, 50.0)
    )
    shrunk = {
        n: float(decayed.state[n].norm() / plain.state[n].norm()) for n in ("0.weight", "1.weight")
    }
    assert shrunk["0.weight"] < 0.9 and 0.97 < shrunk["1.weight"] < 1.03
    assert decayed.rows[0]["decay"] == 0  # decoupled: no part of the loss


def test_harmonization_raises_alignment(tmp_path):
    """On blobs whose maps are known, with the saliency that the evaluation looks at."""
    settings = {
        "epochs": 6,
        "net": {"dropout": 0.0},
        "crop_scale": [0.5, 1.0],
        "saliency": "max_abs",
    }
    scores = [
        run(tmp_path / str(s), strength=s, **settings).rows[-1]["validation_alignment"]
        for s in (0.0, 5.0)
    ]
    assert scores[1] > scores[0] + 0.1


def test_bfloat16_trains_and_differs_little(tmp_path):
    settings = {"net": {"norm": "group", "dropout": 0.0}}
    wide = run(tmp_path / "a", **settings)
    half = run(tmp_path / "b", precision="bf16", **settings)
    assert half.rows[-1]["loss"] == pytest.approx(wide.rows[-1]["loss"], rel=0.02)
    assert half.rows[-1]["loss"] != wide.rows[-1]["loss"]
    assert {v.dtype for v in half.state.values()} == {torch.float32}


@pytest.mark.gpu
@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-3), ("bf16", 0.02)])
def test_a_gpu_trains_as_a_cpu_does(tmp_path, precision, tolerance):
    """Twelve steps: float32 by other kernels in another order, bfloat16 as far as from float32."""
    settings = {"net": {"norm": "group", "dropout": 0.0}, "precision": precision}
    here = run(tmp_path / "cpu", **settings).rows
    there = train(plan_of(**settings), data_of(), Place(tmp_path / "gpu", "cuda")).rows
    for column in ("loss", "harmonization", "validation_cross_entropy"):
        found, expected = ([row[column] for row in rows] for rows in (there, here))
        assert found == pytest.approx(expected, rel=tolerance)


def test_the_bar_goes_on_where_the_training_does(tmp_path, capsys):
    data = data_of()
    data.labelled = Interrupted(data.labelled, 30)
    with pytest.raises(StoppedError):
        run(tmp_path, data)
    assert "0/12" in capsys.readouterr().err
    _, progress = checkpoint.read(tmp_path, identity_of(plan_of(), data_of()))
    run(tmp_path)
    shown = capsys.readouterr().err
    assert f"| {progress.step}/12 [" in shown and "| 12/12 [" in shown and "0/" not in shown


def test_a_start_is_started_from(tmp_path):
    start = Network(**network()).build(7).state_dict()
    settings = {"epochs": 1, "learning_rate": 1e-9, "momentum": 0.0}
    trained = run(tmp_path, start=start, **settings)
    torch.testing.assert_close(trained.state["0.weight"], start["0.weight"], rtol=0, atol=1e-6)
    assert trained.identity["start"] == digest(start)


def test_the_history_holds_what_was_measured(finished):
    table = finished()[0].table()
    assert table["epoch"].tolist() == [1, 2] and table["step"].tolist() == [6, 12]
    assert table["n_images"].tolist() == [96, 96] and table["n_maps"].tolist() == [48, 48]
    total = table["cross_entropy"] + table["harmonization"] + table["decay"]
    np.testing.assert_allclose(table["loss"], total, rtol=1e-6)  # strength 1
    assert table["validation_accuracy"].between(0, 1).all() and (table["saliency_std"] > 0).all()
    assert (table["n_aligned"] == 12).all() and (table["images_per_s"] > 0).all()


def test_validation_is_what_it_says(finished):
    """Oracle: accuracy, cross-entropy and Spearman over pixels with scipy."""
    from scipy.stats import spearmanr

    from itcortex.training.augmentation import Crop, cut_image, cut_map

    data = data_of()
    trained, _ = finished()
    net = Network(**network()).build(0)
    net.load_state_dict(trained.state)
    samples = [data.validation.read(n) for n in range(12)]
    pixels = [cut_image(s.image, Crop(), (16, 16), "bilinear") for s in samples]
    images = (torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.25
    images.requires_grad_()
    labels = torch.tensor([s.label for s in samples])
    logits = net(images)
    (gradient,) = torch.autograd.grad(logits[range(12), labels].sum(), images)
    rhos = [
        spearmanr(g.abs().amax(0).ravel(), cut_map(s.human_map, Crop(), (16, 16)).ravel())[0]
        for g, s in zip(gradient, samples, strict=True)
    ]
    last = trained.rows[-1]
    assert last["validation_alignment"] == pytest.approx(np.mean(rhos), abs=1e-4)
    assert last["validation_accuracy"] == (logits.argmax(1) == labels).double().mean()
    entropy = functional.cross_entropy(logits, labels)
    assert last["validation_cross_entropy"] == pytest.approx(float(entropy.detach()), rel=1e-5)


# --- going on -------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{}, {"optimizer": "adamw", "learning_rate": 1e-2, "ema": 0.9},
                                      {"accumulation": 2, "sub_batch": True}])  # fmt: skip
@pytest.mark.parametrize("reads", [20, 48, 77, 96])
def test_a_stopped_training_goes_on_bit_for_bit(tmp_path, finished, settings, reads):
    """Dropout, batch norm, momentum and sums of the history included; in an epoch and at its end."""
    whole, _ = finished(**settings)
    data = data_of()
    data.labelled = Interrupted(data.labelled, reads)
    with pytest.raises(StoppedError) as stopped:
        run(tmp_path / "parts", data, **settings)
    assert stopped.value.code == STOPPED == 75
    resumed = run(tmp_path / "parts", **settings)
    assert same(whole.state, resumed.state)
    timing = ["seconds", "images_per_s", "waiting"]
    pd.testing.assert_frame_equal(
        whole.table().drop(columns=timing), resumed.table().drop(columns=timing)
    )


def test_a_stop_during_validation_judges_the_epoch_later(tmp_path, finished):
    whole, _ = finished()
    data = data_of()
    data.validation = Interrupted(arrays(130, 2), 3)
    long = data_of()
    long.validation = arrays(130, 2)
    with pytest.raises(StoppedError):
        run(tmp_path / "parts", data)
    _, progress = checkpoint.read(tmp_path / "parts", identity_of(plan_of(), long))
    assert (progress.step, progress.rows) == (6, [])
    resumed = run(tmp_path / "parts", long)
    assert same(whole.state, resumed.state) and len(resumed.rows) == 2


def test_a_finished_training_is_not_run_again(tmp_path, finished, monkeypatch):
    whole, folder = finished()
    copy_checkpoint(folder, tmp_path)
    monkeypatch.setattr("itcortex.training.trainer.harmonizer_loss", None)  # a step would fail
    assert same(run(tmp_path).state, whole.state)


def test_seeds_give_different_weights_and_the_same_seed_the_same(tmp_path, finished):
    one, (again, other) = finished()[0], (run(tmp_path / str(seed), seed=seed) for seed in (0, 1))
    assert digest(one.state) == digest(again.state) != digest(other.state)


def test_training_leaves_the_global_generator_alone(tmp_path):
    state = torch.get_rng_state()
    run(tmp_path, epochs=1)
    assert torch.equal(state, torch.get_rng_state())
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


# --- the rule -------------------------------------------------------------------------------------


def test_the_rule_writes_weights_that_the_line_takes(tmp_path):
    weights = tmp_path / "weights" / "seed-0.safetensors"
    history = tmp_path / "history.parquet"
    arguments = {
        "labelled": [shard(tmp_path / "labelled.parquet", 48, 0, mapped=False)],
        "mapped": [shard(tmp_path / "mapped.parquet", 48, 1)],
        "validation": [shard(tmp_path / "validation.parquet", 12, 2)],
    }
    settings = {
        "network": network(), "strength": 2.0, "seed": 3, "recipe": RECIPE, "device": "cpu",
        "processes": 1, "workers": 0, "checkpoint_steps": 4,
    }  # fmt: skip
    train_harmonized.main(**arguments, weights=weights, history=history, **settings)
    state, attributes = store.read_weights(weights)
    net = Network(**network()).build(0)
    load(net, "small_net", state, attributes, weights)
    assert attributes["source"] == "harmonized:strength=2,seed=3"
    assert attributes["digest"] == digest(state)
    assert attributes["training"]["recipe"] == Recipe.of(RECIPE).asdict()
    table = store.read_table(history)
    assert len(table) == 2 and set(table["strength"]) == {2.0}
    assert not checkpoint.folder_beside(weights).exists()
    twin = tmp_path / "again.safetensors"
    train_harmonized.main(**arguments, weights=twin, history=history, **settings)
    assert twin.read_bytes() == weights.read_bytes()
    fine = tmp_path / "fine.safetensors"
    train_harmonized.main(
        **arguments,
        weights=fine,
        history=history,
        **settings | {"strength": 0.0},
        start=[str(weights)],
    )
    assert store.read_weights(fine)[1]["training"]["start"] == digest(state)
    ran_on = {"device": "cpu", "processes": 1, "packages": stamp.versions()}
    assert attributes["ran_on"] == ran_on and ran_on["packages"]["torch"] == version("torch")


def test_the_state_is_kept_beside_the_output(tmp_path):
    folder = checkpoint.folder_beside(tmp_path / "strength-1" / "seed-0.safetensors")
    assert folder == tmp_path / "strength-1" / ".seed-0.checkpoint"
