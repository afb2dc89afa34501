"""Print the lock: every package of an environment with its version, for `make lock`.

Local version parts (torch 2.13.0+cpu) are dropped, so that the lock fits a machine with GPUs too, and
with them the CUDA packages that some builds of torch bring: pip adds what the platform's torch needs.
setuptools stays, which torch needs, though pip's list leaves it out in Pythons that bring it along.
"""

import subprocess
import sys

CUDA = ("nvidia-", "cuda-", "triton")
INSTALLERS = ("pip", "wheel")
VERSION = "import sys; print('{}.{}'.format(*sys.version_info))"


def main(python: str) -> None:
    """Freeze the environment of the interpreter `python`."""
    print("# Written by `make lock` from requirements.in; do not edit.")
    print(f"# Python {_said_by(python, '-c', VERSION).strip()}")
    for line in _said_by(python, "-m", "pip", "freeze", "--all").splitlines():
        name, _, version = line.partition("==")
        if not name.lower().startswith(CUDA) and name not in INSTALLERS:
            print(f"{name}=={version.partition('+')[0]}")


def _said_by(python: str, *arguments: str) -> str:
    return subprocess.run([python, *arguments], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main(sys.argv[1])
