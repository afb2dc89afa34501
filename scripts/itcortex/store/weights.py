"""Files of weights: safetensors with attributes in the header."""

import json
import stat
from pathlib import Path

from itcortex.errors import UserError
from itcortex.files import atomic_path
from itcortex.running import stamp


def write_weights(path: str | Path, state: dict, attributes: dict) -> None:
    """Write a torch state dict as safetensors; `attributes` (JSON values) go into its header."""
    from safetensors.torch import save_file  # noqa: PLC0415 (torch only where it is used)

    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in state.items()}
    header = json.dumps(attributes | {"stamp": stamp.current()}, sort_keys=True)
    with atomic_path(path) as temporary:  # one entry: safetensors writes several in any order
        temporary.touch()  # with the rights that the umask gives; safetensors makes it 0600
        rights = stat.S_IMODE(temporary.stat().st_mode)
        save_file(tensors, temporary, metadata={"attributes": header})
        temporary.chmod(rights)


def read_weights(path: str | Path) -> tuple[dict, dict]:
    """Read what `write_weights` wrote: the state dict and the attributes."""
    from safetensors import SafetensorError, safe_open  # noqa: PLC0415

    try:
        with safe_open(path, framework="pt") as handle:
            state = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: not a readable safetensors file ({error})") from error
    return state, read_weights_attributes(path)


def read_weights_attributes(path: str | Path) -> dict:
    """Attributes of weights, without their tensors."""
    return {key: value for key, value in weights_header(path).items() if key != "stamp"}


def weights_header(path: str | Path) -> dict:
    """What `write_weights` put into the header: attributes and stamp."""
    from safetensors import SafetensorError, safe_open  # noqa: PLC0415

    try:
        with safe_open(path, framework="np") as handle:
            return json.loads((handle.metadata() or {}).get("attributes", "{}"))
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(f"{path}: not a readable safetensors file ({error})") from error
