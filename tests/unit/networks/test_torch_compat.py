"""Importing timm on healthy and on broken installations, and naming devices."""

import os
import subprocess
import sys
import textwrap
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from itcortex.errors import UserError
from itcortex.networks import torchvision_operators
from itcortex.networks.torch_compat import resolve_device, timm

pytestmark = [pytest.mark.network, pytest.mark.process]

REPOSITORY = Path(__file__).resolve().parents[3]
SCRIPTS = REPOSITORY / "scripts"

# A torchvision that, like the real one beside a CPU-only torch, stops halfway if no operator `nms`
# is declared. `half` counts how often it was truly imported.
BROKEN = """
import torch
from torchvision import half
torch._C._dispatch_has_kernel_for_dispatch_key("torchvision::nms", "Meta")
complete = True
"""
HEALTHY = "complete = True\n"
OTHERWISE = "raise RuntimeError('out of memory')\n"
HALF = "import sys\nsys.times = getattr(sys, 'times', 0) + 1\n"
SHOW = """
import sys
import torch
import itcortex.networks.torch_compat
import torchvision
print(sys.modules["torchvision"].complete, getattr(sys, "times", 0))
print(hasattr(torch.ops.torchvision, "nms"), hasattr(torch.ops.torchvision, "qnms"))
"""


def run_beside(folder: Path, torchvision: str) -> subprocess.CompletedProcess:
    """Import torch_compat in a new process that has this torchvision, and a timm without code."""
    for name, text in {
        "torchvision/__init__.py": textwrap.dedent(torchvision),
        "torchvision/half.py": HALF,
        "timm/__init__.py": "",
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{SCRIPTS}"}
    return subprocess.run(
        [sys.executable, "-c", SHOW], env=environment, capture_output=True, text=True, check=False
    )


def test_a_broken_torchvision_is_imported_anew_after_declaring_its_operators(tmp_path):
    """Both schemas exist afterwards, and the half-imported submodule was not kept."""
    done = run_beside(tmp_path, BROKEN)
    assert done.stdout.split() == ["True", "2", "True", "True"], done.stderr


def test_nothing_is_declared_beside_a_healthy_torchvision(tmp_path):
    """One import, no schema."""
    done = run_beside(tmp_path, HEALTHY)
    assert done.stdout.split() == ["True", "0", "False", "False"], done.stderr


def test_other_errors_of_torchvision_are_not_hidden(tmp_path):
    """Only the missing operators are mended."""
    done = run_beside(tmp_path, OTHERWISE)
    assert done.returncode == 1
    assert "RuntimeError: out of memory" in done.stderr


# --- an environment of `make install` ---------------------------------------------------------------


def run_in_environment(folder: Path, torchvision: str) -> subprocess.CompletedProcess:
    """Import a torchvision in a new process whose folder of packages is this one."""
    (folder / "torchvision").mkdir()
    (folder / "torchvision" / "__init__.py").write_text(torchvision)
    (folder / "torchvision" / "half.py").write_text(HALF)
    begin = f"import site; site.addsitedir({str(folder)!r}); import sys; import torchvision; "
    return subprocess.run(
        [sys.executable, "-S", "-c", begin + "print(torchvision.complete, getattr(sys, 'times', 0))"],
        env={"PYTHONPATH": os.pathsep.join([str(folder), *filter(None, sys.path)])},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_an_environment_whose_torchvision_stops_is_mended(tmp_path, monkeypatch):
    """By two files beside the packages, which Python reads when it starts; they go if not needed."""
    stops = SimpleNamespace(
        returncode=1, stderr="RuntimeError: operator torchvision::nms does not exist"
    )
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: stops)
    spec = spec_from_file_location("mend", torchvision_operators.__file__)
    mend = module_from_spec(spec)
    spec.loader.exec_module(mend)
    assert mend.install(tmp_path)
    monkeypatch.undo()
    done = run_in_environment(tmp_path, BROKEN)
    assert done.stdout.split() == ["True", "2"], done.stderr
    for healthy in (
        SimpleNamespace(returncode=0, stderr=""),
        SimpleNamespace(returncode=1, stderr="x"),
    ):
        monkeypatch.setattr(subprocess, "run", lambda *_, found=healthy, **__: found)
        assert not mend.install(tmp_path)
        assert not [*tmp_path.glob("torchvision_operators*")]


def test_timm_is_imported_in_this_environment():
    """As in a notebook: without our library."""
    done = subprocess.run(
        [sys.executable, "-c", "import timm"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_transforms_work_in_this_environment():
    """What timm uses of torchvision gives right values here: grey 128 with mean and std one half."""
    transform = timm.data.create_transform((3, 8, 8), mean=(0.5,) * 3, std=(0.5,) * 3)
    grey = Image.fromarray(np.full((20, 20, 3), 128, np.uint8))
    expected = torch.full((3, 8, 8), (128 / 255 - 0.5) / 0.5)
    torch.testing.assert_close(transform(grey), expected)


def test_devices_that_exist_are_resolved(monkeypatch):
    """Names become torch devices."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    for name in ("cpu", "cuda", "cuda:1", "mps"):
        assert resolve_device(name) == torch.device(name)


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "cuda:2", "mps"])
def test_a_missing_accelerator_is_an_error_and_never_the_cpu(monkeypatch, name):
    """No silent fallback; the message names what was asked for."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2 if name == "cuda:2" else 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(UserError, match=f"'{name}' asked for"):
        resolve_device(name)


@pytest.mark.parametrize("name", ["gpu", "cpu:1", "cuda:", "cuda:x", "", "mps:0"])
def test_a_name_that_is_no_device_is_an_error(name):
    """The message lists what is valid."""
    with pytest.raises(UserError, match=r"valid: 'cpu', 'cuda', 'cuda:N', 'mps'"):
        resolve_device(name)
