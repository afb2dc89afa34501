"""What `prepare_for_harmonizing` refuses; what it does is in tests of loops (`test_examples.py`)."""

import pytest
import torch
from torch import nn

from itcortex.errors import UserError
from itcortex.harmonizer.prepare import prepare_for_harmonizing
from made.harmonized import small

pytestmark = pytest.mark.network


@pytest.mark.parametrize("size", [224, (16, 16), (3, 16, 16, 1), (3, 16, 0), (3, 16.0, 16), "3"])
def test_an_input_size_that_is_none_is_refused(size):
    with pytest.raises(UserError, match=r"input_size: .* is not \(rgb, row, column\).*3, 224, 224"):
        prepare_for_harmonizing(small(), size)


@pytest.mark.parametrize("size", [(16, 16, 3), (3, 32, 32), (1, 16, 16)])
def test_an_input_size_that_the_network_cannot_take_is_refused(size):
    """The channels last, and other sizes than its own; PyTorch's reason is in the message."""
    with pytest.raises(UserError, match=r"input_size: .*cannot run .*(channels|shapes)") as error:
        prepare_for_harmonizing(small(), size)
    assert str(size) in str(error.value) and isinstance(error.value.__cause__, RuntimeError)


def test_an_input_size_may_be_a_list():
    model = small()
    assert prepare_for_harmonizing(model, [3, 16, 16]) is model


def test_what_has_no_weights_or_is_no_network_is_refused():
    with pytest.raises(UserError, match="model: Flatten has no parameters"):
        prepare_for_harmonizing(nn.Flatten(), (3, 16, 16))
    with pytest.raises(UserError, match="model: Linear is no network"):
        prepare_for_harmonizing(nn.Linear, (3, 16, 16))


def test_networks_and_parts_compiled_in_place_are_refused():
    model = small()
    model.compile()
    with pytest.raises(UserError, match=r"again without model\.compile\(\)"):
        prepare_for_harmonizing(model, (3, 16, 16))
    model = small()
    model[3].compile()
    with pytest.raises(UserError, match=r"again without model\.3\.compile\(\)"):
        prepare_for_harmonizing(model, (3, 16, 16))
    model[3] = torch.compile(small()[3])
    with pytest.raises(UserError, match=r"before compilation \(model\.3\._orig_mod\)"):
        prepare_for_harmonizing(model, (3, 16, 16))
