"""Networks without their weights, on the meta device and where that cannot be."""

import pytest

from itcortex.errors import UserError
from itcortex.networks.network import Network
from itcortex.networks.outline import Outline
from made import own_networks

pytestmark = pytest.mark.network


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    """A working directory with the file nets.py in it."""
    own_networks.write(tmp_path)
    monkeypatch.chdir(tmp_path)


def network(builder: str, **changes) -> Network:
    return Network(
        "mine", f"nets.py:{builder}", preprocessing=own_networks.PREPROCESSING, **changes
    )


def test_a_network_is_outlined_without_values():
    found = Outline.of(network("good"))
    assert (found.device, found.off_meta, found.outputs) == ("meta", "", 1000)
    assert all(parameter.is_meta for parameter in found.model.parameters())
    assert found.params_m == pytest.approx((224 + 1168 + 17000) / 1e6)
    layers = [(la.name, la.height, la.width, la.channels) for la in found.layers]
    assert layers == [("a", 16, 16, 8), ("b", 8, 8, 16)]
    assert set(found.origins.values()) == {"row"}


def test_a_network_that_computes_with_values_is_built_on_the_cpu_and_says_so():
    found = Outline.of(network("values"))
    assert found.device == "cpu"
    assert "Tensor.item() cannot be called on meta tensors" in found.off_meta
    assert [layer.name for layer in found.layers] == ["a", "b"]


def test_a_network_of_timm_says_which_of_its_settings_are_timms():
    found = Outline.of(Network("test_resnet", preprocessing={"mean": [0.5] * 3}))
    assert found.device == "meta"
    assert found.origins["mean"] == "row"
    assert found.origins["std"] == "timm's configuration of test_resnet.r160_in1k"


def test_what_is_no_matter_of_the_device_is_raised_at_once():
    """Named layers that are not there, and settings that nobody gives."""
    with pytest.raises(UserError, match=r"has no layer 'bb'; did you mean"):
        Outline.of(network("good"), names=["bb"])
    with pytest.raises(UserError, match=r"'input_size', 'mean', 'std', 'interpolation' not given"):
        Outline.of(Network("mine", "nets.py:good"))
    with pytest.raises(UserError, match=r"nets.py:raises' fails .*RuntimeError: no luck today"):
        Outline.of(network("raises"))
    with pytest.raises(
        UserError, match=r"cannot be run through the network: RuntimeError: .*input_s"
    ):
        Outline.of(network("picky"))


def test_a_package_that_is_not_there_is_named_with_what_to_install():
    """Also where the import comes only when the builder runs; PyPI's `cornet` is something else."""
    with pytest.raises(
        UserError, match=r"No module named 'cornet'; install it with: pip install git\+"
    ):
        Outline.of(network("lacks"))
    with pytest.raises(UserError, match=r"install it with: pip install open_clip_torch$"):
        Network("mine", "open_clip:create_model").build()
