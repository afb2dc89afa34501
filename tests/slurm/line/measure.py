"""Rule measure: made activations, and what may happen to a job meanwhile.

A file `started/NAME.JOB` says that the job runs. `hold/NAME` keeps it waiting, `hungry/NAME` holds the
megabytes that it takes, `poison/NAME` has it write NaN.
"""

import os
import time
from pathlib import Path

import numpy as np

from itcortex import store
from itcortex.running import job

IMAGES, LAYER = tuple(f"image{i}" for i in range(8)), "layer1"


def main(activations, name, seed):
    """Write activations of 8 images, about 0.8 MB."""
    number = os.environ.get("SLURM_JOB_ID", "local")
    print(f"node {os.environ.get('SLURMD_NODENAME')}")
    print(f"devices {os.environ.get('CUDA_VISIBLE_DEVICES')}")
    Path("started").mkdir(exist_ok=True)
    (Path("started") / f"{name}.{number}").touch()
    hungry = Path("hungry") / name
    if hungry.exists():
        taken = np.ones(int(hungry.read_text()) * 2**17)
        time.sleep(4)  # Slurm looks every second
        del taken
    while (Path("hold") / name).exists():
        time.sleep(0.1)
    values = np.random.default_rng(seed).standard_normal((8, 7, 7, 512)).astype(np.float32)
    if (Path("poison") / name).exists():
        values[5, 2, 3, 100] = np.nan
    batches = [(0, {LAYER: values})]
    store.write_activations(activations, batches, (LAYER,), IMAGES, {}, "float32")


if __name__ == "__main__":
    job.run(main, snakemake)  # noqa: F821
