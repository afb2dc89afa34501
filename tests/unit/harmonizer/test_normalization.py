"""Second derivatives of batch norm: equal to PyTorch's own, and cheaper."""

import pytest
import torch
from torch.nn import functional

from itcortex.harmonizer.normalization import batch_norm
from made.second_derivatives import assert_same, double_gradients, normal

pytestmark = pytest.mark.network


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
