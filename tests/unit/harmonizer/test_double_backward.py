"""Second derivatives: equal to PyTorch's own, cheaper, and named where there are none."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from itcortex.errors import UserError
from itcortex.harmonizer.double_backward import (
    REPLACED,
    double_backward,
    require_double_backward,
)
from itcortex.harmonizer.loss import harmonizer_loss
from itcortex.networks.timm_networks import build, skeleton
from made.second_derivatives import Counts, assert_same, normal

pytestmark = pytest.mark.network


# --- hardsigmoid ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("inplace", [True, False])
def test_hardsigmoid_keeps_its_values(dtype, inplace):
    """To the last bit, the corners at -3 and 3 included."""
    x = torch.cat([torch.linspace(-4, 4, 1001), torch.tensor([-3.0, 3.0])]).to(dtype)
    expected = functional.hardsigmoid(x)
    with double_backward():
        found = functional.hardsigmoid(x, inplace=inplace)
    assert torch.equal(found, expected) and found.dtype == dtype
    assert torch.equal(x, expected) == inplace


def test_hardsigmoid_has_the_derivatives_of_its_definition():
    """1/6 inside, 0 outside; of the square, 2/36."""
    x = torch.tensor([-3.5, -1.0, 2.0, 3.5], dtype=torch.float64, requires_grad=True)
    with double_backward():
        (first,) = torch.autograd.grad(
            functional.hardsigmoid(x).square().sum(), x, create_graph=True
        )
        (second,) = torch.autograd.grad(first.sum(), x)
    torch.testing.assert_close(second, torch.tensor([0, 2 / 36, 2 / 36, 0], dtype=torch.float64))


# --- whole networks -------------------------------------------------------------------------------


def gradients(model, seed=0, **options):
    """Gradients of a strong harmonizer's loss on two random images."""
    place = next(model.parameters()).device
    images = normal(2, 3, 64, 64, seed=seed).detach().to(place)
    human = normal(2, 64, 64, seed=seed + 1).detach().to(place)
    model.zero_grad()
    harmonizer_loss(
        model, images, torch.tensor([1, 2]), human, torch.ones(2),
        strength=10.0, epsilon="relative", **options,
    ).backward()  # fmt: skip
    return [p.grad.clone() for p in model.parameters() if p.grad is not None]


@pytest.mark.parametrize(
    "architecture",
    [
        "tf_efficientnet_lite0",  # 'same' padding, depthwise
        "regnetx_002",  # groups
        "tf_efficientnet_cc_b0_4e",  # weights that depend on the image, groups per image
        "nf_regnet_b0",  # standardised weights, hence not leaves
        "mobilenetv3_small_050",  # hardswish, hardsigmoid
        "test_vit",
    ],
)
def test_gradients_are_those_of_autograd(architecture, monkeypatch):
    """The replacements change cost, not values: all gradients of a training step, float64."""
    model = build(architecture, seed=0, num_classes=5).double().train()
    found = gradients(model)
    for function in (torch.conv2d, functional.batch_norm):
        monkeypatch.delitem(REPLACED, function)
    expected = gradients(model)
    largest = max(g.abs().max().item() for g in expected)
    assert largest > 0
    for a, b in zip(found, expected, strict=True):
        assert (a - b).abs().max().item() <= 1e-9 * largest  # sums of thousands of terms


def test_operations_of_a_step_of_a_depthwise_network(monkeypatch):
    """A count, which no busy machine changes: lite0's step took 32,655 without the replacements."""
    model = skeleton("tf_efficientnet_lite0").train()

    def count():
        with Counts() as counts:
            require_double_backward(model, (3, 224, 224))
        return counts.calls.total()

    ours = count()
    for function in (torch.conv2d, functional.batch_norm):
        monkeypatch.delitem(REPLACED, function)
    assert ours < 5_000
    assert count() > 5 * ours


def test_operations_of_a_step_beside_those_of_a_plain_one():
    """At small batches a GPU's time is their number: 3.1 times a plain step's, 3.5 once."""
    model, counted = build("resnet26", seed=0).train(), []
    images, maps = normal(2, 3, 64, 64).detach().float(), normal(2, 64, 64).detach().float()
    for strength in (0.0, 1.0):
        with Counts() as counts:
            harmonizer_loss(
                model, images, torch.tensor([1, 2]), maps, torch.ones(2),
                strength=strength, epsilon="relative",
            ).backward()  # fmt: skip
        counted.append(counts.calls.total())
    assert counted[1] < 3.2 * counted[0]


@pytest.mark.gpu
@pytest.mark.parametrize(
    "architecture",
    ["tf_efficientnet_lite0", "regnetx_002", "mobilenetv3_small_050", "test_convnext", "test_vit"],
)
def test_a_gpu_gives_the_gradients_of_the_cpu(architecture):
    """By kernels of other libraries, in float64: sums of thousands of terms in another order.

    PyTorch's `hardswish` on a GPU has 1/6 in float32 precision (3e-8 of it), also for float64.
    """
    tolerance = 1e-6 if architecture == "mobilenetv3_small_050" else 1e-8
    model = build(architecture, seed=0, num_classes=5).double().train()
    expected = gradients(model)
    found = [g.cpu() for g in gradients(model.cuda())]
    largest = max(g.abs().max().item() for g in expected)
    for a, b in zip(found, expected, strict=True):
        assert (a - b).abs().max().item() <= tolerance * largest


@pytest.mark.parametrize("architecture", ["test_vit", "test_resnet"])
def test_gradient_checkpointing(architecture):
    """Parts run again in the backward pass: the same gradients, if both are in the context."""
    model = build(architecture, seed=0).double().train()
    plain = gradients(model)
    model.set_grad_checkpointing(True)
    assert_same(gradients(model), plain)


def test_the_check_leaves_the_network_as_it_was():
    """Weights, gradients, running averages, random numbers."""
    model = build("test_resnet", seed=0).train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    state = torch.get_rng_state()
    require_double_backward(model, (3, 64, 64))
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    assert torch.equal(torch.get_rng_state(), state)


# --- what cannot be differentiated twice ----------------------------------------------------------


class Head(nn.Module):
    """A convolution, a function of its map, and a mean."""

    def __init__(self, function):
        super().__init__()
        self.conv, self.function = nn.Conv2d(3, 4, 3), function

    def forward(self, images):
        return self.function(self.conv(images)).mean((2, 3))


class Once(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad):
        return 2 * grad * ctx.saved_tensors[0]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: torch.cdist(x, x), r"^cdist cannot be differentiated twice.* strength 0"),
        (
            lambda x: Once.apply(x).square(),
            r"custom autograd\.Function .* cannot be differentiated twice",
        ),
        (lambda x: x.detach(), r"scores do not depend on the image .* strength 0"),
    ],
    ids=["operation", "function", "detached"],
)
def test_what_cannot_be_differentiated_twice_is_named(function, message):
    with pytest.raises(UserError, match=message):
        require_double_backward(Head(function), (3, 8, 8))


def test_the_loss_names_it_too():
    """In the backward pass, where PyTorch finds out."""
    model = Head(lambda x: torch.cdist(x, x))
    batch = torch.rand(2, 3, 8, 8), torch.tensor([0, 1]), torch.rand(2, 8, 8), torch.ones(2)
    with pytest.raises(UserError, match="cdist cannot be differentiated twice"):
        harmonizer_loss(model, *batch, strength=1.0, levels=4).backward()
    harmonizer_loss(model, *batch, strength=0.0).backward()
    assert model.conv.weight.grad.isfinite().all()


def test_attention_outside_the_context_is_named_with_the_remedy():
    """The forward pass of fused attention cannot be mended afterwards."""
    queries = torch.rand(1, 2, 4, 8, requires_grad=True)
    out = functional.scaled_dot_product_attention(queries, queries, queries)
    (gradient,) = torch.autograd.grad(out.square().sum(), queries, create_graph=True)
    remedy = r"attention.*call itcortex.prepare_for_harmonizing"
    with pytest.raises(UserError, match=remedy), double_backward():
        gradient.sum().backward()


def test_other_errors_pass_unchanged():
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"), double_backward():
        torch.ones(2, 3) @ torch.ones(2, 3)
