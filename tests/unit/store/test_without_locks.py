"""A file system without locks, made by a library that lets every `flock` of a process fail."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"
SHIM = "#include <errno.h>\nint flock(int fd, int how) { errno = ENOLCK; return -1; }\n"
USE = """
from pathlib import Path

import h5py
import numpy as np
from itcortex import store
from itcortex.downloads import pins
from itcortex.downloads.fetch import fetch
from itcortex.errors import UserError
from itcortex.formats import netcdf
from itcortex.running import devices
from itcortex.weights.keras_files import open_keras

store.write_arrays("a.h5", {"x": np.arange(3)}, {})
try:
    h5py.File("a.h5", "r")
except OSError as error:
    print("locks fail:", error.errno)
print(store.read_arrays("a.h5")[0]["x"].tolist(), store.read_stamp("a.h5") is not None)
netcdf.read_variables("a.h5")
gpus = {devices.VISIBLE: "0,1"}
attempts = (
    lambda: open_keras("a.h5").__enter__(),
    lambda: pins.pin("l.yaml", "d/a", None),
    lambda: fetch([], Path("d/a.h5"), None, 1, Path("a.h5")),
    lambda: devices.taken(1, gpus, Path("gpus")).__enter__(),
)
for attempt in attempts:
    try:
        attempt()
        print("done")
    except UserError as error:
        print(error)
"""


@pytest.mark.skipif(not shutil.which("cc"), reason="needs a C compiler (cc)")
def test_results_and_others_hdf5_need_no_locks_and_pins_downloads_and_gpus_say_that_they_do(
    tmp_path,
):
    (tmp_path / "shim.c").write_text(SHIM)
    library = tmp_path / "shim.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, tmp_path / "shim.c"], check=True)
    done = subprocess.run(
        [sys.executable, "-c", USE], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "LD_PRELOAD": str(library), "PYTHONPATH": str(SCRIPTS)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, values, keras, pin, download, gpu = done.stdout.splitlines()
    assert first == "locks fail: 37"
    assert values == "[0, 1, 2] True"
    assert "a.h5: no Keras weights" in keras  # it was opened
    assert "a file there cannot be locked ([Errno 37] No locks available)" in pin
    assert "a file there cannot be locked ([Errno 37] No locks available)" in download
    assert "gpus/0.lock: cannot be locked ([Errno 37] No locks available), and a job locks" in gpu
    assert not (tmp_path / "d" / "a.h5").exists()
