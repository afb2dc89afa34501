"""Let `import torchvision`, and so `import timm`, work beside a torch without CUDA.

torchvision's wheels are compiled for the CUDA build of torch. Beside another torch their library of
operators does not load, and the import stops where torchvision describes its operators `nms` and
`qnms` to the compiler. Once their signatures are declared, all that timm uses works.

The library calls `begin` before it imports timm (`itcortex.networks.torch_compat`). `make install` runs
this file: it copies itself into the environment, with a line that Python reads when it starts, if
torchvision needs it there; otherwise it removes an earlier copy. Either way nothing is imported until
somebody imports torchvision, and nothing interferes unless that stops for want of these operators. A
copy stands alone, so this module imports nothing of the library.
"""

import importlib.machinery
import subprocess
import sys
import sysconfig
from pathlib import Path

SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
OPERATORS = ("torchvision::nms", "torchvision::qnms")


class Loader:
    """torchvision's own loader; where operators are missing they are declared, and it begins again."""

    def __init__(self, loader):
        self.loader = loader

    def __getattr__(self, name):
        return getattr(self.loader, name)

    def create_module(self, spec):
        """As torchvision's own loader does."""
        return self.loader.create_module(spec)

    def exec_module(self, module):
        """Import torchvision."""
        try:
            self.loader.exec_module(module)
        except RuntimeError as error:
            if "torchvision::" not in str(error):
                raise
            # What the failed import left behind would be taken for complete modules.
            for name in [name for name in sys.modules if name.startswith("torchvision.")]:
                del sys.modules[name]
                vars(module).pop(name.split(".")[1], None)
            import torch  # noqa: PLC0415

            for operator in OPERATORS:
                torch.library.define(operator, SIGNATURE)
            self.loader.exec_module(module)


class Finder:
    """Finds torchvision where it is, and hands it to `Loader`."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        """The place of the package torchvision; nothing for any other module."""
        if name != "torchvision":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = Loader(spec.loader)
        return spec


def install(folder: Path) -> bool:
    """Put a copy into an environment's folder of packages if torchvision stops there; else remove it."""
    copy, start = folder / Path(__file__).name, folder / "torchvision_operators.pth"
    for path in (copy, start):
        path.unlink(missing_ok=True)
    command = [sys.executable, "-c", "import torchvision"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode == 0 or "torchvision::" not in found.stderr:
        return False
    copy.write_text(Path(__file__).read_text(encoding="utf-8"), encoding="utf-8")
    start.write_text(
        "import torchvision_operators; torchvision_operators.begin()\n", encoding="utf-8"
    )
    return True


def begin() -> None:
    """Look out for torchvision, from the start of Python on."""
    sys.meta_path.insert(0, Finder)


if __name__ == "__main__":
    install(Path(sysconfig.get_path("purelib")))
