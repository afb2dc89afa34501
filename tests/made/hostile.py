"""What files that were made to do harm share: a payload, and archives of chosen members."""

import os
import zipfile
from pathlib import Path

#: Names of models and files that are commands or paths.
NAMES = [
    "x; touch owned", "x$(touch owned)", "x`touch owned`", "x' 'y", 'x" y', "../../x", "a/../b",
    "/etc/x", "-x", "x\ny", "x|y", "x&y", "a//b", "", ".x", "x{model}", "x*",
]  # fmt: skip


class Payload:
    """What runs a command when it is unpickled."""

    def __reduce__(self):
        """A call of os.system."""
        return os.system, ("touch owned",)


def zipped(*members, kind=zipfile.ZIP_DEFLATED) -> Path:
    """An archive `a.zip`, in the working directory, of (name or ZipInfo, content)."""
    with zipfile.ZipFile("a.zip", "w", kind) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return Path("a.zip")


def understated(path: Path, size: int, declared: int) -> Path:
    """The archive with another unpacked size of its members in its directory and headers."""
    content = path.read_bytes()
    little = size.to_bytes(4, "little"), declared.to_bytes(4, "little")
    path.write_bytes(content.replace(*little))
    return path
