"""Second derivatives: equal to PyTorch's own, cheaper, and named where there are none."""

from collections import Counter

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from itcortex.errors import UserError
from itcortex.harmonizer.convolution import convolve
from itcortex.harmonizer.double_backward import (
    _REPLACED,
    double_backward,
    require_double_backward,
    score_gradient,
)
from itcortex.harmonizer.loss import harmonizer_loss
from itcortex.harmonizer.normalization import batch_norm
from itcortex.networks.timm_networks import build, skeleton

pytestmark = pytest.mark.network

NATIVE = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}


def normal(*shape, seed=0):
    """Random float64 values that want a gradient."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()


class Counts(TorchDispatchMode):
    """Counts the operations that reach a device, by name; and gradients of convolution weights."""

    def __init__(self):
        super().__init__()
        self.calls, self.weight_gradients = Counter(), 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.calls[func.overloadpacket.__name__] += 1
        if func.overloadpacket is torch.ops.aten.convolution_backward:
            self.weight_gradients += args[-1][1]
        return func(*args, **(kwargs or {}))


def assert_same(found, expected):
    """To 1e-10 of the largest value, the agreement that was asked for; None is None."""
    for a, b in zip(found, expected, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            assert (a - b).abs().max().item() <= 1e-10 * max(b.abs().max().item(), 1e-300)


# --- convolution ----------------------------------------------------------------------------------

#: Channels in, out, kernel, size, options.
CONVOLUTIONS = [
    (4, 6, (3, 3), (8, 7), {}),
    (4, 6, (3, 3), (8, 7), {"stride": 2, "padding": 1}),
    (4, 4, (3, 3), (9, 9), {"padding": 1, "groups": 4}),
    (3, 6, (5, 5), (11, 10), {"padding": 2, "groups": 3, "stride": (2, 3)}),
    (6, 4, (3, 3), (10, 10), {"groups": 2, "dilation": 2}),
    (4, 8, (3, 2), (9, 8), {"padding": (1, 0), "stride": (2, 1), "dilation": (1, 3)}),
    (4, 4, (3, 3), (9, 9), {"padding": "same"}),
    (4, 4, (4, 3), (9, 8), {"padding": "same", "groups": 2, "dilation": (1, 2)}),
    (4, 4, (2, 2), (5, 5), {"padding": "valid"}),
    (4, 6, (1, 1), (9, 9), {"stride": 3}),
    (2, 4, (3,), (9,), {"padding": "same", "groups": 2}),
    (2, 4, (4,), (9,), {"padding": 1, "stride": 2}),
    (2, 2, (2, 3, 2), (4, 5, 6), {"groups": 2, "padding": (1, 0, 1)}),
]


def convolution_case(case):
    """Input, weight, bias and options."""
    channels, out, kernel, size, options = case
    weight = normal(out, channels // options.get("groups", 1), *kernel, seed=1)
    return normal(2, channels, *size), weight, normal(out, seed=2), options


def double_gradients(function, inputs, wanted, seed=3):
    """First derivatives with respect to `wanted`, and those of a function of them to all inputs."""
    out = function(*inputs)
    nonlinear = (functional.softplus(out) * normal(*out.shape, seed=seed).detach()).sum()
    first = torch.autograd.grad(nonlinear, [inputs[i] for i in wanted], create_graph=True)
    total = sum((g.square() * normal(*g.shape, seed=seed + 1).detach()).sum() for g in first)
    return [*first, *torch.autograd.grad(total, inputs, allow_unused=True)]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
@pytest.mark.parametrize("wanted", [(0,), (1,), (0, 1, 2), (2,)], ids=str)
def test_second_derivatives_of_a_convolution(case, wanted):
    """Oracle: PyTorch's own, for every derivative that can be asked for."""
    *inputs, options = convolution_case(case)
    native = NATIVE[len(case[2])]
    found = double_gradients(lambda *a: convolve(*a, **options), inputs, wanted)
    assert_same(found, double_gradients(lambda *a: native(*a, **options), inputs, wanted))


def test_third_derivatives_of_a_convolution():
    """The three pieces differentiate into each other, to any order. Oracle: finite differences."""
    x, weight = normal(1, 2, 4, 4), normal(2, 1, 3, 3, seed=1)

    def second(x, weight):
        y = convolve(x, weight, padding=1, groups=2)
        (gradient,) = torch.autograd.grad(y.pow(3).sum(), x, create_graph=True)
        return gradient

    assert torch.autograd.gradgradcheck(second, (x, weight))


def test_values_of_a_convolution_and_one_image_without_batch():
    """Forward to the last bit."""
    *inputs, options = convolution_case(CONVOLUTIONS[3])
    torch.testing.assert_close(
        convolve(*inputs, **options), functional.conv2d(*inputs, **options), rtol=0, atol=0
    )
    single = [inputs[0][0], *inputs[1:]]
    assert_same(
        double_gradients(lambda *a: convolve(*a, **options), single, (0,)),
        double_gradients(lambda *a: functional.conv2d(*a, **options), single, (0,)),
    )


def operations(groups, function):
    """Operations of a second derivative of a depthwise convolution."""
    x, weight = normal(2, groups, 6, 6), normal(groups, 1, 3, 3, seed=1)
    with Counts() as counts:
        double_gradients(lambda *a: function(*a, padding=1, groups=groups), [x, weight], (0,))
    return counts.calls.total()


def test_operations_do_not_grow_with_the_number_of_groups():
    """What it is for: PyTorch loops over groups."""
    assert operations(64, convolve) == operations(4, convolve)
    assert operations(64, functional.conv2d) - operations(4, functional.conv2d) > 100


class TwoLayers(nn.Module):
    """Convolutions; the weights of the second depend on the image, as in CondConv, if asked."""

    def __init__(self, dynamic):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3)
        self.dynamic = dynamic

    def forward(self, images):
        maps = torch.tanh(self.first(images))
        weight = self.second.weight
        if self.dynamic:
            weight = weight * maps.mean()
        return functional.conv2d(maps, weight).tanh().mean((2, 3))


@pytest.mark.parametrize(("dynamic", "expected"), [(False, 0), (True, 1)])
def test_a_saliency_computes_gradients_of_weights_only_on_its_way(dynamic, expected):
    """Saved work; but weights that depend on the image are on the way."""
    model, images = TwoLayers(dynamic).double(), normal(2, 3, 9, 9)
    with double_backward(), Counts() as counts:
        saliency = score_gradient(model(images), images, torch.tensor([0, 1]))
    assert counts.weight_gradients == expected
    plain = score_gradient(model(images), images, torch.tensor([0, 1]))
    assert_same([saliency], [plain])


# --- batch norm -----------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3, 5, 4, 6), (7, 5), (4, 5, 9)])
@pytest.mark.parametrize(
    ("affine", "wanted"),
    [(False, (0,)), (True, (0,)), (True, (1,)), (True, (2,)), (True, (0, 1, 2))],
)
def test_second_derivatives_of_batch_norm(shape, affine, wanted):
    """Oracle: PyTorch's own; the running statistics move as they do there."""
    inputs = [normal(*shape), normal(5, seed=1), normal(5, seed=2)][: 3 if affine else 1]
    results = []
    for function in (batch_norm, functional.batch_norm):
        running = torch.zeros(5, dtype=torch.float64), torch.ones(5, dtype=torch.float64)

        def run(x, *affine, function=function, running=running):
            return function(x, *running, *affine, training=True, momentum=0.3)

        results.append([*double_gradients(run, inputs, wanted), *running])
    assert_same(*results)


def test_batch_norm_with_a_weight_of_zero():
    """As timm's residual blocks begin: nothing is divided by the weight."""
    x, weight, bias = normal(4, 3, 5), torch.zeros(3, dtype=torch.float64), normal(3)
    weight.requires_grad_()
    results = [
        double_gradients(
            lambda *a, f=f: f(a[0], None, None, *a[1:], training=True), [x, weight, bias], (0, 1)
        )
        for f in (batch_norm, functional.batch_norm)
    ]
    assert_same(*results)


def test_batch_norm_refuses_one_value_per_channel_as_pytorch_does():
    with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        batch_norm(normal(1, 3), None, None, training=True)


def test_a_third_derivative_of_batch_norm_is_refused():
    """It would be silently wrong."""
    x = normal(4, 3)
    y = batch_norm(x, None, None, training=True)
    (first,) = torch.autograd.grad(y.pow(3).sum(), x, create_graph=True)
    with pytest.raises(NotImplementedError, match="third derivative of batch norm"):
        torch.autograd.grad(first.pow(2).sum(), x, create_graph=True)


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
    images = normal(2, 3, 64, 64, seed=seed).detach()
    human = normal(2, 64, 64, seed=seed + 1).detach()
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
        monkeypatch.delitem(_REPLACED, function)
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
        monkeypatch.delitem(_REPLACED, function)
    assert ours < 5_000
    assert count() > 5 * ours


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
        harmonizer_loss(model, *batch, strength=1.0).backward()
    harmonizer_loss(model, *batch, strength=0.0).backward()
    assert model.conv.weight.grad.isfinite().all()


def test_attention_outside_the_context_is_named_with_the_remedy():
    """The forward pass of fused attention cannot be mended afterwards."""
    queries = torch.rand(1, 2, 4, 8, requires_grad=True)
    out = functional.scaled_dot_product_attention(queries, queries, queries)
    (gradient,) = torch.autograd.grad(out.square().sum(), queries, create_graph=True)
    remedy = r"attention.* inside itcortex.harmonizer.double_backward"
    with pytest.raises(UserError, match=remedy), double_backward():
        gradient.sum().backward()


def test_other_errors_pass_unchanged():
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"), double_backward():
        torch.ones(2, 3) @ torch.ones(2, 3)
