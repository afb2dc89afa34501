"""Names of timm's networks, and building them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from itcortex.errors import UserError
from itcortex.networks.timm_names import known_architectures, require_architecture, require_tag
from itcortex.networks.timm_networks import build, skeleton
from itcortex.networks.torch_compat import timm

pytestmark = [pytest.mark.network, pytest.mark.process]

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"


# --- architectures --------------------------------------------------------------------------------


def test_known_architectures_are_those_that_timm_registers():
    """Reading timm's source gives what importing it gives."""
    assert list(known_architectures()) == sorted(timm.list_models())


def test_known_architectures_need_no_torch_and_no_time():
    """Read whenever the workflow starts: .3 s is asked for; twice that allows a busy machine."""
    code = (
        "import sys, time; start = time.perf_counter();"
        "from itcortex.networks.timm_names import known_architectures; known_architectures();"
        "print('torch' in sys.modules, 'timm' in sys.modules, time.perf_counter() - start)"
    )
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    torch_loaded, timm_loaded, seconds = done.stdout.split()
    assert (torch_loaded, timm_loaded) == ("False", "False")
    assert float(seconds) < 0.6


def test_an_unknown_architecture_is_an_error_with_near_names():
    """Both the check before any job and the builder say the same."""
    for refuse in (require_architecture, build, skeleton):
        with pytest.raises(UserError, match=r"no model 'resnet81'; did you mean.*'resnet18'"):
            refuse("resnet81")


def test_an_unknown_tag_is_an_error_with_near_names():
    """A tag chooses timm's configuration; a wrong one would give wrong preprocessing."""
    assert build("test_vit.r160_in1k").pretrained_cfg["tag"] == "r160_in1k"
    with pytest.raises(UserError, match=r"no weights 'r161_in1k' of test_vit; did you mean"):
        build("test_vit.r161_in1k")


def test_every_tag_that_timm_has_passes_the_check_before_any_job():
    """Whether it is written in timm's source or made by its code; a wrong one comes with near ones."""
    for name in timm.list_pretrained():
        require_tag(*name.split("."))
    with pytest.raises(
        UserError, match=r"no weights 'tv_in2k' of resnet18; did you mean 'tv_in1k'"
    ):
        require_tag("resnet18", "tv_in2k")


def test_a_tag_that_timm_writes_down_needs_no_torch():
    """The table of the paper is checked whenever the workflow starts."""
    code = (
        "import sys; from itcortex.networks.timm_names import require_tag;"
        "require_tag('resnet50', 'a1_in1k'); print('torch' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


# --- building -------------------------------------------------------------------------------------


def test_arguments_go_to_timm_and_wrong_ones_are_named():
    """What timm does not take is shown with what was given."""
    assert build("test_resnet", num_classes=7).fc.out_features == 7
    with pytest.raises(UserError, match=r"arguments: test_resnet cannot be built with .*'n_class'"):
        build("test_resnet", n_class=7)


def test_the_seed_alone_decides_the_initial_weights():
    """Equal for equal seeds whatever was drawn before, different for others."""
    first = build("test_vit", seed=3).state_dict()
    torch.rand(7)
    again, other = (build("test_vit", seed=n).state_dict() for n in (3, 4))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["patch_embed.proj.weight"], other["patch_embed.proj.weight"])


def test_building_leaves_the_global_random_state_alone():
    """Nothing downstream may depend on how many networks were built before."""
    before = torch.get_rng_state()
    build("test_vit", seed=3)
    assert torch.equal(before, torch.get_rng_state())


def test_networks_are_built_for_evaluation():
    """Dropout and batch statistics would make activations random."""
    assert not any(module.training for module in build("test_resnet").modules())
