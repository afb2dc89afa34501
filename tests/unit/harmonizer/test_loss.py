"""The loss on networks made by code: its parts, its options, its limits."""

import math
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from itcortex.errors import UserError
from itcortex.harmonizer import loss as loss_module
from itcortex.harmonizer.loss import harmonization_error, harmonizer_loss, reduce_colour
from itcortex.harmonizer.prepare import prepare_for_harmonizing
from itcortex.networks.timm_networks import build
from made.harmonized import batch, small

pytestmark = pytest.mark.network


def gradients(model, parts):
    """Gradients of the total, by name."""
    model.zero_grad()
    parts.backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def assert_same(found, expected, relative=1e-10):
    """Gradients of every parameter, to so much of the largest."""
    assert found.keys() == expected.keys()
    for name, value in found.items():
        largest = max(expected[name].abs().max().item(), 1e-300)
        assert (value - expected[name]).abs().max().item() <= relative * largest, name


# --- parts ----------------------------------------------------------------------------------------


def test_the_total_is_the_sum_of_its_parts():
    model, given = small(), batch()
    parts = harmonizer_loss(model, *given, strength=3.0, weight_decay=0.02)
    total = parts.cross_entropy + 3 * parts.harmonization + parts.decay
    assert parts.total.item() == pytest.approx(total.item(), rel=1e-12)
    squares = sum(p.square().sum().item() for p in model.parameters())
    assert parts.decay.item() == pytest.approx(0.02 * squares / 2)
    torch.testing.assert_close(parts.logits, model(given[0]).detach())
    assert (parts.n_maps, parts.logits.shape) == (2, (4, 5))
    assert parts.harmonization > 0 and parts.saliency_std > 0
    logged = (parts.cross_entropy, parts.harmonization, parts.decay, parts.logits)
    assert parts.total.requires_grad and not any(part.requires_grad for part in logged)


def test_targets_are_learnt_in_place_of_labels_which_still_choose_the_saliency():
    """Oracle: the sum over classes; identity: targets that are all 0 but for the label's 1."""
    model, (images, labels, *maps) = small(), batch()
    plain = {"strength": 2.0, "label_smoothing": 0.0}
    sure = functional.one_hot(labels, 5).double()
    given = harmonizer_loss(model, images, labels, *maps, targets=sure, **plain)
    known = harmonizer_loss(model, images, labels, *maps, **plain)
    assert_same(gradients(model, given), gradients(model, known))
    soft = torch.randn(4, 5, generator=torch.Generator().manual_seed(1)).double().softmax(1)
    parts = harmonizer_loss(model, images, labels, *maps, targets=soft, **plain)
    expected = -(soft * model(images).log_softmax(1)).sum(1).mean()
    assert parts.cross_entropy.item() == pytest.approx(expected.item(), rel=1e-12)
    assert parts.harmonization.item() == pytest.approx(known.harmonization.item(), rel=1e-12)


def test_labels_are_smoothed_by_default_and_targets_are_not():
    """By hand: two classes with probabilities of 1/4 and 3/4, whatever the image."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 256, 2)).double()
    with torch.no_grad():
        model[1].weight.zero_()
        model[1].bias[:] = torch.tensor([0.0, math.log(3)])
    images, _, *maps = batch()
    ones, halves = torch.ones(4, dtype=torch.long), torch.full((4, 2), 0.5)
    rare, often = math.log(4), math.log(4 / 3)  # -log p
    for options, expected in (
        ({}, 0.05 * rare + 0.95 * often),
        ({"label_smoothing": 0.0}, often),
        ({"targets": halves}, 0.5 * rare + 0.5 * often),
        ({"targets": torch.eye(2)[ones]}, often),
        ({"targets": torch.eye(2)[ones], "label_smoothing": 0.2}, 0.1 * rare + 0.9 * often),
    ):
        parts = harmonizer_loss(model, images, ones, *maps, strength=0.0, **options)
        assert parts.cross_entropy.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (torch.full((4, 5), 0.1), "targets: from 0.1 on, with sums over classes from 0.5 to 0.5"),
        (torch.eye(5)[:4] * 2 - 0.2, "targets: from -0.2 on"),
        (torch.eye(5)[:3], r"targets: torch.float32 of shape \(3, 5\) for 4 images"),
        (torch.eye(4, dtype=torch.long), "targets: torch.int64 of shape"),
        (torch.eye(6)[:4], "targets: 6 classes, the network has 5"),
        (torch.eye(5)[:4].tolist(), "targets: a list, not a torch.Tensor"),
    ],
)
def test_targets_that_are_no_probabilities_are_refused(targets, message):
    with pytest.raises(UserError, match=message):
        harmonizer_loss(small(), *batch(), strength=0.0, targets=targets)


def test_labels_are_smoothed_as_in_keras():
    """.9 for the class and .1 shared by all, that one included."""
    model, (images, labels, *maps) = small(), batch()
    parts = harmonizer_loss(model, images, labels, *maps, strength=0.0)
    wanted = functional.one_hot(labels, 5).double() * 0.9 + 0.1 / 5
    expected = -(wanted * model(images).log_softmax(1)).sum(1).mean()
    assert parts.cross_entropy.item() == pytest.approx(expected.item(), rel=1e-12)


def test_the_saliency_is_that_of_every_images_own_class():
    """Oracle: one image and one class score at a time, with numpy from there on."""
    model, (images, labels, human, tokens) = small(), batch(maps=4)
    maps = []
    for image, label in zip(images, labels, strict=True):
        pixels = image[None].clone().requires_grad_()
        (gradient,) = torch.autograd.grad(model(pixels)[0, label], pixels)
        maps.append(gradient[0].mean(0).numpy())
    stds = [m.std() for m in maps]

    def cut(m):
        return np.maximum((m - m.mean()) / (m.std() + 1e-5), 0)

    errors = []
    for model_map, human_map in zip(map(cut, maps), map(cut, human.numpy()), strict=True):
        scaled = human_map / (human_map.max() + 1e-6) * (model_map.max() + 1e-6)
        errors.append(((model_map - scaled) ** 2).mean())
    parts = harmonizer_loss(model, images, labels, human, tokens, strength=1.0, levels=1)
    assert parts.harmonization.item() == pytest.approx(np.mean(errors), rel=1e-9)
    assert parts.saliency_std.item() == pytest.approx(np.mean(stds), rel=1e-9)


def test_training_lowers_the_harmonization():
    """Known port's fault: without `create_graph` the gradient of this part is none at all."""
    model, given = small(), batch(maps=4)
    with_maps = gradients(model, harmonizer_loss(model, *given, strength=10.0))
    without = gradients(model, harmonizer_loss(model, *given, strength=0.0))
    before = harmonizer_loss(model, *given, strength=10.0).harmonization
    slope = {name: with_maps[name] - without[name] for name in with_maps}
    length = math.sqrt(sum(g.square().sum().item() for g in slope.values()))
    assert length > 0.01
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.sub_(slope[name], alpha=1e-3 / length)
    assert harmonizer_loss(model, *given, strength=10.0).harmonization < before


@pytest.mark.parametrize("scale", [0.5, 1.0])
def test_backward_scales_and_adds(scale):
    """As accumulation over batches needs it."""
    model, given = small(), batch()
    once = gradients(model, harmonizer_loss(model, *given, strength=1.0))
    harmonizer_loss(model, *given, strength=1.0).backward(scale)
    found = {name: p.grad for name, p in model.named_parameters()}
    assert_same(found, {name: g * (1 + scale) for name, g in once.items()})


@pytest.mark.parametrize("dtype", [torch.int32, torch.uint8])
def test_labels_and_tokens_of_any_whole_type(dtype):
    """As tables and loaders give them."""
    images, labels, human, tokens = batch()
    for sub_batch in (False, True):
        totals = [
            harmonizer_loss(
                small(),
                images,
                labels.to(d),
                human,
                tokens.to(t),
                strength=1.0,
                sub_batch=sub_batch,
            ).total.item()
            for d, t in ((torch.int64, torch.float64), (dtype, torch.bool), (dtype, dtype))
        ]
        assert totals == [totals[0]] * 3


# --- strength 0 -----------------------------------------------------------------------------------


@pytest.mark.parametrize("without_maps", [True, False])
def test_strength_zero_is_plain_training_to_the_last_bit(monkeypatch, without_maps):
    """No saliency is made; the same holds for a batch without maps."""
    monkeypatch.setattr(loss_module, "score_gradient", None)  # calling it would fail
    model, (images, labels, human, tokens) = small(norm=True), batch()
    options = {"strength": 5.0} if without_maps else {"strength": 0.0}
    tokens = torch.zeros(4) if without_maps else tokens
    parts = harmonizer_loss(model, images, labels, human, tokens, weight_decay=0.0, **options)
    found = gradients(model, parts)
    model.zero_grad()
    functional.cross_entropy(model(images), labels, label_smoothing=0.1).backward()
    for name, parameter in model.named_parameters():
        assert torch.equal(found[name], parameter.grad)
    assert parts.harmonization == 0 and parts.saliency_std is None


# --- tokens and maps ------------------------------------------------------------------------------


def test_maps_without_a_token_are_not_read():
    """Neither their values nor NaN; yet their images count in the mean."""
    model, (images, labels, human, tokens) = small(), batch()
    expected = harmonizer_loss(model, images, labels, human, tokens, strength=1.0)
    poisoned = human.clone()
    poisoned[2:] = float("nan")
    found = harmonizer_loss(model, images, labels, poisoned, tokens, strength=1.0)
    assert found.total.item() == expected.total.item()
    alone = harmonizer_loss(model, images[:2], labels[:2], human[:2], tokens[:2], strength=1.0)
    assert found.harmonization.item() == pytest.approx(alone.harmonization.item() / 2, rel=1e-9)
    assert found.saliency_std.item() == pytest.approx(alone.saliency_std.item(), rel=1e-9)


@pytest.mark.parametrize("epsilon", ["reference", "relative"])
def test_blind_networks_give_no_nan(epsilon):
    """A saliency of exactly zero: some networks begin so."""
    model, given = small(), batch()
    with torch.no_grad():
        model[-1].weight.zero_()
    parts = harmonizer_loss(model, *given, strength=1.0, epsilon=epsilon)
    assert parts.saliency_std == 0 and parts.harmonization < 1e-9
    assert all(g.isfinite().all() for g in gradients(model, parts).values())


@pytest.mark.parametrize("sub_batch", [False, True])
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda m: m[3, 4:6].fill_(math.nan), "not finite"),
        (lambda m: m[3, 4:6].fill_(math.inf), r"\(values from .* to inf\) .*not finite"),
        (lambda m: m[3, 4:6].fill_(-math.inf), r"\(values from -inf to .*not finite"),
        (lambda m: m[3].zero_(), r"\(values from 0 to 0\) has one value everywhere"),
        (lambda m: m[3].fill_(2.5), r"\(values from 2.5 to 2.5\) has one value everywhere"),
    ],
)
def test_maps_that_do_not_say_where_to_look_are_refused(spoil, message, sub_batch):
    """They would train a network to look nowhere. Without a token or a strength none is read."""
    images, labels, human, tokens = batch(5, maps=0)
    spoil(human)
    tokens[1] = tokens[3] = 0.5
    options = {"sub_batch": sub_batch}
    with pytest.raises(UserError, match=rf"human_maps: the map of image 3 .*{message}.*token 0"):
        harmonizer_loss(small(), images, labels, human, tokens, strength=1.0, **options)
    harmonizer_loss(small(), images, labels, human, tokens, strength=0.0, **options)
    tokens[3] = 0
    parts = harmonizer_loss(small(), images, labels, human, tokens, strength=1.0, **options)
    assert parts.harmonization > 0 and parts.n_maps == 1


@pytest.mark.parametrize("kind", [torch.uint8, torch.bool, torch.bfloat16])
def test_maps_may_be_of_any_real_type(kind):
    images, labels, human, tokens = batch()
    given = images, labels, (human > 0.5).to(kind), tokens
    assert harmonizer_loss(small(), *given, strength=1.0).harmonization > 0


@pytest.mark.parametrize("epsilon", ["reference", "relative"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_is_never_an_error_of_zero(epsilon, value):
    """Values on a GPU are not looked at; the loss tells. Images with token 0 are not in it."""
    generator = torch.Generator().manual_seed(0)
    saliency, human = torch.randn(2, 3, 8, 8, generator=generator)
    tokens = torch.tensor([1.0, 0.0, 1.0])
    expected = harmonization_error(saliency, human, tokens, 3, epsilon)
    for maps in (saliency, human):
        for image in (0, 1):
            kept = maps[image, 2, 2].clone()
            maps[image, 2, 2] = value
            found = harmonization_error(saliency, human, tokens, 3, epsilon)
            assert found.isnan() if image == 0 else found == expected
            maps[image, 2, 2] = kept


def test_the_unit_of_human_maps_does_not_matter_with_the_relative_epsilon():
    model, (images, labels, human, tokens) = small(), batch()
    totals = [
        harmonizer_loss(
            model, images, labels, human * unit, tokens, strength=1.0, epsilon="relative"
        ).total.item()
        for unit in (1.0, 255.0, 1e-6)
    ]
    assert totals == pytest.approx([totals[0]] * 3, rel=1e-12)


def test_colour_is_averaged_or_its_largest_change_taken():
    """A gradient of opposite signs in two colours is nothing to the mean."""
    gradient = torch.tensor([3.0, -3.0, 0.0]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    assert reduce_colour(gradient, "mean").unique().tolist() == [0.0]
    assert reduce_colour(gradient, "max_abs").unique().tolist() == [3.0]


@pytest.mark.parametrize(
    "change", [{"saliency": "max_abs"}, {"levels": 2}, {"epsilon": "relative"}]
)
def test_options_change_the_harmonization_and_nothing_else(change):
    model, given = small(), batch()
    plain = harmonizer_loss(model, *given, strength=1.0)
    changed = harmonizer_loss(model, *given, strength=1.0, **change)
    assert abs(changed.harmonization / plain.harmonization - 1) > 1e-6
    assert changed.cross_entropy == plain.cross_entropy and changed.decay == plain.decay


# --- the sub-batch --------------------------------------------------------------------------------


@pytest.mark.parametrize("maps", [1, 2, 4])
def test_the_sub_batch_gives_the_same_loss_without_batch_norm(maps):
    """Also where one image has a map (another keeps it company) and where all have."""
    model, given = small(), batch(maps=maps)
    whole = harmonizer_loss(model, *given, strength=2.0)
    sub = harmonizer_loss(model, *given, strength=2.0, sub_batch=True)
    for name in ("total", "cross_entropy", "harmonization", "decay", "saliency_std"):
        found, expected = (getattr(p, name).item() for p in (sub, whole))
        assert found == pytest.approx(expected, rel=1e-10), name
    assert (sub.n_maps, sub.logits.shape) == (maps, (4, 5))
    assert_same(gradients(model, sub), gradients(model, whole))


def test_the_sub_batch_differentiates_only_images_with_a_map(monkeypatch):
    seen = []
    monkeypatch.setattr(
        loss_module, "score_gradient",
        lambda scores, images, labels, f=loss_module.score_gradient: (
            seen.append(len(images)), f(scores, images, labels)
        )[1],
    )  # fmt: skip
    for maps in (3, 1, 5):
        harmonizer_loss(small(), *batch(5, maps), strength=1.0, sub_batch=True)
    assert seen == [3, 2, 5]


def test_running_averages_are_left_to_the_first_pass():
    """They are those of plain training; statistics of the second pass are its own images'."""
    given = batch(6, maps=2)
    states = []
    for options in ({"strength": 0.0}, {"strength": 1.0, "sub_batch": True}):
        model = small(norm=True).train()
        harmonizer_loss(model, *given, **options)
        states.append({k: v for k, v in model.state_dict().items() if "running" in k or "num" in k})
        assert model[1].track_running_stats
    assert states[0].keys() == states[1].keys() and len(states[0]) == 3
    assert all(torch.equal(states[1][k], v) for k, v in states[0].items())
    model = small(norm=True).train()
    sub = harmonizer_loss(model, *given, strength=1.0, sub_batch=True)
    alone = harmonizer_loss(model, *(t[:2] for t in given), strength=1.0)
    assert sub.harmonization.item() == pytest.approx(alone.harmonization.item() / 3, rel=1e-9)


# --- precision ------------------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", ["test_resnet", "test_vit"])
def test_bfloat16_autocast_is_close_to_float32(architecture):
    """The network in bfloat16 (8 bits: 1 % per operation), the loss and all gradients in float32."""
    model = build(architecture, seed=0, num_classes=5).train()
    given = [t.float() if t.is_floating_point() else t for t in batch(4, 4, 64)]
    options = {"strength": 1.0, "epsilon": "relative"}
    expected = harmonizer_loss(model, *given, **options)
    exact = gradients(model, expected)
    with torch.autocast("cpu", torch.bfloat16):
        found = harmonizer_loss(model, *given, **options)
    assert found.logits.dtype == torch.bfloat16
    assert found.total.dtype == found.harmonization.dtype == torch.float32
    assert found.total.item() == pytest.approx(expected.total.item(), rel=0.05)
    rough = gradients(model, found)
    a, b = (torch.cat([g[n].flatten() for n in exact]) for g in (rough, exact))
    assert a.dtype == torch.float32 and a.isfinite().all()
    assert functional.cosine_similarity(a, b, dim=0) > 0.95


def test_float16_is_refused():
    model = small().float()
    given = [t.float() if t.is_floating_point() else t for t in batch()]
    autocast = torch.autocast("cpu", torch.float16)
    with pytest.raises(UserError, match=r"float16 cannot hold .* torch.bfloat16"), autocast:
        harmonizer_loss(model, *given, strength=1.0)
    half = [t.half() if t.is_floating_point() else t for t in batch()]
    with pytest.raises(UserError, match="float16 cannot hold"):
        harmonizer_loss(model.half(), *half, strength=1.0)
    for context in (nullcontext(), torch.autocast("cpu", torch.bfloat16)):  # weights alone
        with pytest.raises(UserError, match=r"float16 cannot hold .* weights"), context:
            harmonizer_loss(model.half(), *given, strength=1.0)


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_weights_and_images_of_two_types_are_refused(strength):
    given = [t.float() if t.is_floating_point() else t for t in batch()]
    two = r"precision: torch.float64 in the network and torch.float32 in the images; .*\.float\(\)"
    with pytest.raises(UserError, match=two):
        harmonizer_loss(small(), *given, strength=strength)
    with pytest.raises(RuntimeError, match="shape"):  # an error of another cause stays as it is
        harmonizer_loss(small().float(), *(t[..., :8] if t.ndim > 2 else t for t in given),
                        levels=4, strength=strength)  # fmt: skip


# --- bad input ------------------------------------------------------------------------------------


def changed(index, value):
    """A batch with one of its four parts replaced."""
    given = list(batch())
    given[index] = value(given[index])
    return given


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        (changed(0, lambda t: t[0]), {}, r"images: shape \(3, 16, 16\)"),
        (changed(0, lambda t: t[:0]), {}, r"images: shape \(0, 3, 16, 16\)"),
        (changed(2, lambda t: t[:, :8]), {}, r"human_maps: shape \(4, 8, 16\) .* 16 x 16"),
        (changed(2, lambda t: t[:3]), {}, r"human_maps: shape \(3, 16, 16\)"),
        (changed(2, lambda t: t[:, None]), {}, r"human_maps: shape \(4, 1, 16, 16\)"),
        (changed(1, lambda t: t[:3]), {}, r"labels: shape \(3,\) for 4 images"),
        (changed(1, lambda t: t.double()), {}, "labels: torch.float64 are not class numbers"),
        (changed(1, lambda t: t - 1), {}, "labels: -1 is out of range"),
        (changed(1, lambda t: t + 3), {}, r"labels: 6 is out of range, the network has 5 classes"),
        (changed(3, lambda t: t[:2]), {}, r"tokens: shape \(2,\) for 4 images"),
        (changed(3, lambda t: t * 2), {}, "tokens: 2.0 is not between 0"),
        (changed(3, lambda t: t * math.nan), {}, "tokens: nan is not between 0"),
        *[
            (changed(place, lambda t: t.numpy()), {}, f"{name}: a ndarray, not a torch.Tensor")
            for place, name in enumerate(("images", "labels", "human_maps", "tokens"))
        ],
        (changed(1, lambda t: t.tolist()), {}, r"labels: a list, .* torch\.as_tensor"),
        (changed(2, lambda t: None), {}, "human_maps: a NoneType, not a torch.Tensor"),
        (changed(2, lambda t: t + 1j), {}, "human_maps: torch.complex128; give real numbers"),
        (changed(3, lambda t: t + 1j), {}, "tokens: torch.complex128; give real numbers"),
        (batch(), {"levels": 6}, "levels: 6, but a map of 16 x 16 has 5 scales.*give levels=5"),
        (batch(size=17), {"levels": 7}, "a map of 17 x 17 has 6 scales"),
        (batch(), {"strength": "1"}, "strength: '1' is not a finite number"),
        (batch(), {"strength": None}, "strength: None is not a finite number"),
        (batch(), {"strength": torch.ones(2)}, "strength: tensor.* is not a finite number"),
        (batch(), {"weight_decay": "1e-5"}, "weight_decay: '1e-5' is not a finite number"),
        (
            batch(),
            {"label_smoothing": "0.1"},
            r"label_smoothing: '0.1' is not a number in \[0, 1\)",
        ),
        (batch(), {"strength": -1.0}, "strength: -1.0 is not a finite number of at least 0"),
        (batch(), {"strength": math.nan}, "strength: nan"),
        (batch(), {"weight_decay": -1e-5}, "weight_decay: -1e-05"),
        (batch(), {"label_smoothing": 1.0}, r"label_smoothing: 1.0 is not a number in \[0, 1\)"),
        (batch(), {"levels": 0}, "levels: 0 is not a whole number"),
        (batch(), {"epsilon": "absolute"}, "epsilon: 'absolute' is unknown"),
        (batch(), {"saliency": "max"}, "saliency: 'max' is unknown; did you mean 'max_abs'"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(given, options, message):
    for sub_batch in (False, True):
        with pytest.raises(UserError, match=message):
            harmonizer_loss(small(), *given, sub_batch=sub_batch, **({"strength": 1.0} | options))


def test_networks_that_put_out_no_class_scores_are_refused():
    with pytest.raises(UserError, match=r"model: it must put out class scores"):
        harmonizer_loss(nn.Conv2d(3, 4, 3).double(), *batch(), strength=1.0)


def test_a_compiled_network_is_refused_with_the_way_back():
    model = torch.compile(small())
    with pytest.raises(UserError, match=r"torch\.compile .*model\._orig_mod"):
        harmonizer_loss(model, *batch(), strength=1.0)


@pytest.mark.parametrize("prepared", [False, True])
def test_a_network_compiled_in_place_is_refused(prepared):
    """With strength 0 nothing is differentiated twice; the eager backend needs no compiler."""
    model = small()
    if prepared:
        model = prepare_for_harmonizing(model, (3, 16, 16))
    model.compile(backend="eager")
    with pytest.raises(UserError, match=r"torch\.compile .* without model\.compile\(\)"):
        harmonizer_loss(model, *batch(), strength=1.0)
    harmonizer_loss(model, *batch(), strength=0.0).backward()


class Wrapper(nn.Module):
    """As DistributedDataParallel, without processes."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, images):
        """What the module puts out."""
        return self.module(images)


def test_a_compiled_network_in_a_wrapper_is_refused():
    with pytest.raises(UserError, match=r"torch\.compile .*model\.module\._orig_mod"):
        harmonizer_loss(Wrapper(torch.compile(small())), *batch(), strength=1.0)
    inner = small()
    inner.compile()
    with pytest.raises(UserError, match=r"torch\.compile .* without model\.module\.compile\(\)"):
        harmonizer_loss(Wrapper(inner), *batch(), strength=1.0)
    assert harmonizer_loss(Wrapper(small()), *batch(), strength=1.0).harmonization > 0


def test_a_compiled_part_is_refused_when_it_is_differentiated():
    """Oracle: PyTorch's own error, from a part that no look at the network's outside finds."""
    model = small()
    model[4] = torch.compile(model[4], backend="aot_eager")
    with pytest.raises(UserError, match=r"torch\.compile makes cannot be .*parts uncompiled"):
        harmonizer_loss(model, *batch(), strength=1.0).backward()


def test_what_is_no_network_is_refused():
    for model, name in ((nn.Linear, "Linear"), (small().forward, "forward"), (None, "NoneType")):
        with pytest.raises(UserError, match=rf"model: {name} is no network; .*torch\.nn\.Module"):
            harmonizer_loss(model, *batch(), strength=1.0)


@pytest.mark.parametrize("model", [small().requires_grad_(False), nn.Flatten()])
def test_where_nothing_can_be_trained_backward_says_so(model):
    parts = harmonizer_loss(model, *batch(), strength=0.0)
    with pytest.raises(UserError, match=r"no parameter .* requires a gradient"):
        parts.backward()


def test_without_gradients_there_is_no_saliency():
    """In validation, ask for strength 0."""
    with torch.no_grad(), pytest.raises(UserError, match="no_grad"):
        harmonizer_loss(small(), *batch(), strength=1.0)
    with torch.no_grad():
        assert harmonizer_loss(small(), *batch(), strength=0.0).total > 0
