"""The trace of a forward pass: what every module put out, and which tensors are the trunk."""

import pytest
import torch
from torch import nn
from torch.nn.functional import relu

from itcortex.networks.layer_choice import choose_layers
from itcortex.networks.timm_networks import build, skeleton
from itcortex.networks.tracing import trace
from made.known_network import Known

pytestmark = pytest.mark.network


def test_the_trunk_of_a_known_network_is_found():
    """Branches are bypassed; sizes that are used later bypass nothing; in place makes a new tensor."""
    outputs = {output.name: output for output in trace(Known(), torch.zeros(2, 3, 8, 8))}
    trunk = {name: output.trunk for name, output in outputs.items()}
    assert trunk == {
        "stem": True, "left": False, "right": False, "join": True, "head": True, "act": True,
    }  # fmt: skip
    assert outputs["act"].tensor != outputs["head"].tensor
    assert [outputs[n].weighted for n in ("stem", "join", "act")] == [1, 3, 4]
    assert outputs["act"].depth == pytest.approx(
        6 / 7
    )  # stem left right + head act, of 7 with reshape


class Small(nn.Module):
    """Two convolutions, put together by a function of the network and the images."""

    def __init__(self, run):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1)
        self.halves = nn.Identity()
        self.run = run

    def forward(self, images):
        """Run the function."""
        return self.run(self, images)


def halves(net, images):
    """One operation makes two tensors: each goes around the other."""
    left, right = net.first(images).chunk(2, dim=1)
    return net.second(torch.cat([net.halves(left), right], dim=1))


def written_into(net, images):
    """What is written into a made tensor is data: part of the first map goes round."""
    canvas = torch.zeros(2, 4, 8, 8)
    first = net.first(images)
    canvas[:, :2] = first[:, :2]
    return canvas * net.second(first)


def returned(net, images):
    """What the caller reads goes around nothing."""
    first = net.first(images)
    return first, net.second(first)


def pooled(net, images):
    """A head that pools both maps to vectors goes around neither."""
    first = net.first(images)
    second = net.second(first)
    return torch.cat(
        [first.mean((2, 3)), nn.functional.adaptive_avg_pool2d(second, 1)[..., 0, 0]], 1
    )


def returned_beside(net, images):
    """A branch that ends in an output of its own does not meet the rest again."""
    first = net.first(images)
    second = net.second(first)
    return second, relu(first)


def weighed(net, images):
    """A vector that comes back into a later map is a way around."""
    first = net.first(images)
    second = net.second(first)
    return second * first.mean((2, 3), keepdim=True)


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (halves, {"first": True, "halves": False, "second": True}),
        (written_into, {"first": True, "second": False}),
        (returned, {"first": True, "second": True}),
        (pooled, {"first": True, "second": True}),
        (returned_beside, {"first": True, "second": True}),
        (weighed, {"first": True, "second": False}),
    ],
)
def test_no_way_around_a_tensor_is_overlooked(run, expected):
    """Several outputs, writing in place; what is returned or only pooled goes around nothing."""
    outputs = trace(Small(run), torch.zeros(2, 3, 8, 8))
    assert {output.name: output.trunk for output in outputs} == expected


def test_the_trace_of_weights_without_values_is_the_same():
    """The meta device gives the same choice as real numbers, so it may be made before any job."""
    size = (3, 96, 96)
    for architecture in ("test_resnet", "mobilenetv3_small_050"):
        real, meta = build(architecture), skeleton(architecture)
        assert choose_layers(real, size) == choose_layers(meta, size)


def test_the_trace_leaves_no_hooks_behind():
    """Also when the forward pass fails."""
    model = Known()
    trace(model, torch.zeros(2, 3, 8, 8))
    with pytest.raises(RuntimeError, match="channels"):
        trace(model, torch.zeros(2, 5, 8, 8))
    assert not any(module._forward_hooks for module in model.modules())


def test_a_module_that_runs_twice_has_no_single_output():
    """Its name would stand for two maps."""

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 1)

        def forward(self, images):
            return self.conv(relu(self.conv(images)))

    assert trace(Twice(), torch.zeros(2, 3, 4, 4)) == []
