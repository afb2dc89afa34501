"""docs/examples: three training loops of one's own, on blobs whose "human" maps mark the blob."""

import copy
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from torch.utils.data import DataLoader

import itcortex
from itcortex.networks.timm_networks import build
from made.training import blobs, small_net

pytestmark = pytest.mark.network

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
SIDE = 32


def load(name: str):
    """An example, which is in no package."""
    spec = spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def batch(count: int, seed: int) -> tuple[torch.Tensor, ...]:
    """Images, labels, maps, and tokens: three of four images have a map."""
    images, labels, maps = blobs(count, seed, SIDE)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
    tokens = (torch.arange(count) % 4 > 0).float()
    return pixels, torch.from_numpy(labels), torch.from_numpy(maps), tokens


BATCHES = [batch(16, seed) for seed in range(3)]
EPOCHS = 4


def disagreement(model: torch.nn.Module) -> float:
    """Harmonization of other images than were trained on; batch norm sees these."""
    parts = itcortex.harmonizer_loss(
        model.train(), *batch(32, 99), strength=1.0, epsilon="relative"
    )
    return float(parts.harmonization)


def test_a_plain_loop_harmonizes_a_transformer():
    """Attention has no second derivative as it is."""
    train, found = load("plain_loop").train, []
    for strength in (0.0, 3.0):
        model = build("test_vit", seed=0, num_classes=4, img_size=SIDE)
        torch.manual_seed(0)
        history = train(model, BATCHES, EPOCHS, strength)
        found.append(disagreement(model))
    assert len(history) == EPOCHS and history[-1] < history[0]
    assert found[1] < found[0]


TIMM = {
    "model": "small", "num_classes": 4, "input_size": (3, SIDE, SIDE), "lr": 1e-2,
    "amp": False, "amp_dtype": "bfloat16", "smoothing": 0.1, "clip_grad": 5.0, "seed": 0,
    "model_ema_decay": 0.5, "batch_size": 16, "workers": 0, "mixup": 0.0, "cutmix": 0.0,
    "scale": (0.6, 1.0), "ratio": (3 / 4, 4 / 3), "hflip": 0.5, "mean": (0.5,) * 3, "std": (0.5,) * 3,
}  # fmt: skip


def photographs(count: int) -> tuple[list, ...]:
    """Photographs larger than the network's input, labels, and maps: one of four has none."""
    images, labels, maps = blobs(count, 0, 2 * SIDE)
    given = [one if n % 4 else None for n, one in enumerate(maps)]
    return [Image.fromarray(one) for one in images], labels.tolist(), given


@pytest.mark.parametrize("amp", [False, True])
def test_a_loop_in_timms_style_harmonizes(monkeypatch, amp):
    """The average of weights learns too. In bfloat16 losses are rounded, and not those of float32."""
    # a network that learns in seconds; one that timm registered would stay there for other tests
    monkeypatch.setattr(timm, "create_model", lambda *_, **__: small_net("group", dropout=0.0))
    found = []
    for strength in (0.0, 3.0):
        model, average, metrics = load("timm_train").main(
            TIMM | {"strength": strength, "amp": amp}, *photographs(48), 2 * EPOCHS
        )
        found.append([disagreement(model), disagreement(average)])
    assert metrics[-1]["loss"] < metrics[0]["loss"]
    assert found[1][0] < 0.5 * found[0][0] and found[1][1] < 0.5 * found[0][1]
    *_, again = load("timm_train").main(
        TIMM | {"strength": 3.0, "amp": not amp}, *photographs(48), 1
    )
    assert again[0]["loss"] != metrics[0]["loss"]
    assert again[0]["loss"] == pytest.approx(metrics[0]["loss"], rel=0.02)


@pytest.mark.parametrize("amp", [False, True])
def test_a_loop_in_timms_style_takes_a_mobilenet(amp):
    """`hardsigmoid` has no second derivative as it is."""
    args = TIMM | {"model": "mobilenetv3_small_050", "strength": 3.0, "amp": amp}
    _, _, (metrics,) = load("timm_train").main(args, *photographs(16), 1)
    assert np.isfinite([*metrics.values()]).all() and metrics["harmonization"] > 0


def test_crop_and_flip_of_timms_style_are_the_same_for_image_and_map():
    """The blob is where the map says, in every crop; and crops differ, from epoch to epoch too."""
    example, (images, labels, maps) = load("timm_train"), photographs(48)
    config = {"input_size": (3, SIDE, SIDE), "interpolation": "bicubic"}
    config |= {name: TIMM[name] for name in ("mean", "std")}
    dataset = example.MappedImages(images, labels, maps, config, TIMM)
    torch.manual_seed(0)
    mirrored = 0
    for n in range(48):
        (once, label, human, token), (again, _, human_again, _) = dataset[n], dataset[n]
        assert once.shape == (3, SIDE, SIDE) and label == labels[n] and once.abs().max() <= 1
        assert not torch.equal(once, again)
        if maps[n] is None:
            assert token == 0 and not human.any()
            continue
        assert token == 1 and not torch.equal(human, human_again)
        colour = once[labels[n]].numpy()  # the blob's
        assert np.corrcoef(colour.ravel(), human.numpy().ravel())[0, 1] > 0.7
        mirrored += np.corrcoef(colour[:, ::-1].ravel(), human.numpy().ravel())[0, 1] > 0.7
    assert mirrored < 20  # the blob is seldom in the middle of a crop
    nowhere = [np.zeros((2 * SIDE, 2 * SIDE), np.float32)] * 48
    assert example.MappedImages(images, labels, nowhere, config, TIMM)[0][3] == 0


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"mixup": 0.2}, "a mixture of two images has no human map"),
        ({"amp": True, "amp_dtype": "float16"}, "amp_dtype: gradients of gradients"),
    ],
)
def test_what_a_loop_in_timms_style_cannot_do_is_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        load("timm_train").main(TIMM | {"strength": 3.0} | changed, *photographs(16), 1)


def kinds_of(found: set):
    """A hook that puts the precision of what a layer puts out into `found`."""
    return lambda _module, _inputs, out: found.add(out.dtype)


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_a_lightning_module_harmonizes(tmp_path, precision):
    lightning = pytest.importorskip("lightning", reason="pip install lightning to try its example")
    found = []
    for strength in (0.0, 3.0):
        torch.manual_seed(0)
        network = small_net("group", dropout=0.0)
        harmonized = load("lightning_module").Harmonized
        module = harmonized(network, strength, rate=1e-2, input_size=(3, SIDE, SIDE))
        hook = network[0].register_forward_hook(kinds_of(kinds := set()))
        trainer = lightning.Trainer(
            max_epochs=2 * EPOCHS, accelerator="cpu", precision=precision, logger=False,
            enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
            default_root_dir=tmp_path,
        )  # fmt: skip
        batches, others = (DataLoader(b, batch_size=None) for b in (BATCHES, [batch(16, 50)]))
        trainer.fit(module, batches, others)
        hook.remove()
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        found.append(disagreement(network))
    assert metrics["harmonization"] > 0 and 0 <= metrics["validation_accuracy"] <= 1
    assert found[1] < 0.5 * found[0]
    assert kinds == {torch.bfloat16 if precision == "bf16-mixed" else torch.float32}


def test_the_examples_are_shown_on_a_page():
    page = (EXAMPLES.parent / "harmonize.md").read_text(encoding="utf-8")
    for path in EXAMPLES.glob("*.py"):
        assert f"{{literalinclude}} examples/{path.name}" in page


# --- what the call does ---------------------------------------------------------------------------


def second_derivatives(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Gradients of a loss of the saliency, written as anybody would."""
    images = batch(2, 7)[0].requires_grad_()
    (saliency,) = torch.autograd.grad(model(images)[:, 1].sum(), images, create_graph=True)
    model.zero_grad()
    saliency.square().sum().backward()
    return {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("architecture", ["test_vit", "mobilenetv3_small_050"])
def test_a_saliency_of_ones_own_can_be_trained_after_the_call(architecture):
    """A copy is prepared as well, calls it by itself, and no weight has another name."""
    size = {"img_size": SIDE} if "vit" in architecture else {}
    model = build(architecture, seed=0, num_classes=4, **size)
    with pytest.raises((RuntimeError, NotImplementedError)):
        second_derivatives(model)
    plain = model(batch(2, 7)[0])
    names = list(model.state_dict())
    assert itcortex.prepare_for_harmonizing(model, (3, SIDE, SIDE)) is model
    assert itcortex.prepare_for_harmonizing(model, (3, SIDE, SIDE)) is model  # twice is once
    assert len(model._forward_pre_hooks) == len(model._forward_hooks) == 1
    assert list(model.state_dict()) == names and torch.equal(model(batch(2, 7)[0]), plain)
    found = second_derivatives(model)
    assert max(float(g.abs().max()) for g in found.values()) > 0
    twin = copy.deepcopy(model)
    with torch.no_grad():
        next(model.parameters()).zero_()
    for name, gradient in second_derivatives(twin).items():
        assert torch.equal(gradient, found[name])


def test_an_error_in_a_pass_leaves_nothing_behind():
    model = itcortex.prepare_for_harmonizing(
        build("test_vit", seed=0, img_size=SIDE), (3, SIDE, SIDE)
    )
    wrong = torch.zeros(1, 3, 8, 8, requires_grad=True)
    with pytest.raises(AssertionError):
        model(wrong)
    q = torch.rand(1, 2, 4, 8, requires_grad=True)
    out = torch.nn.functional.scaled_dot_product_attention(q, q, q)
    (gradient,) = torch.autograd.grad(out.square().sum(), q, create_graph=True)
    with pytest.raises((RuntimeError, NotImplementedError)):  # fused again: the context is closed
        gradient.sum().backward()


def test_what_cannot_be_prepared_is_refused_by_name():
    class Wrapped(torch.nn.parallel.DistributedDataParallel):
        def __init__(self):  # without a group of processes
            torch.nn.Module.__init__(self)

    plain = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))
    with pytest.raises(itcortex.UserError, match="wrapped in DistributedDataParallel already"):
        itcortex.prepare_for_harmonizing(Wrapped())
    with pytest.raises(itcortex.UserError, match=r"input_size: Sequential .*\(3, 224, 224\)"):
        itcortex.prepare_for_harmonizing(plain)

    class Distances(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones(()))

        def forward(self, x):
            x = x.flatten(1) * self.scale
            return torch.cdist(x, x)

    with pytest.raises(itcortex.UserError, match="cdist cannot be differentiated twice"):
        itcortex.prepare_for_harmonizing(Distances(), (3, 4, 4))


def test_of_a_compiled_network_the_plain_one_is_prepared():
    plain = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 4), torch.nn.Tanh())
    assert itcortex.prepare_for_harmonizing(torch.compile(plain), (3, 2, 2)) is plain
