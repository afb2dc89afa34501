"""Files of weights that were made to do harm or are damaged: refused, and nothing in them runs."""

import pickle
import struct
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from itcortex.errors import UserError
from itcortex.weights import files
from made.hostile import Payload

pytestmark = [pytest.mark.network, pytest.mark.usefixtures("unharmed")]


def test_the_payload_would_run():
    """The proof that these tests can fail."""
    pickle.loads(pickle.dumps(Payload()))
    assert Path("owned").exists()
    Path("owned").unlink()


@pytest.mark.parametrize("zip_format", [True, False])
@pytest.mark.parametrize("suffix", [".pth", ".pt", ".ckpt", ".bin"])
def test_weights_with_a_payload_are_refused_by_name(suffix, zip_format):
    path = Path(f"w{suffix}")
    torch.save({"a": torch.zeros(2), "b": Payload()}, path,
               _use_new_zipfile_serialization=zip_format)  # fmt: skip
    with pytest.raises(
        UserError, match=r"holds more than tensors \(posix\.system\)|not a readable"
    ):
        files.read_content(path)


def test_a_checkpoint_that_was_compressed_to_nothing_is_refused():
    torch.save({"a": torch.zeros(2**25)}, "w.pth")
    with (
        zipfile.ZipFile("w.pth") as plain,
        zipfile.ZipFile("b.pth", "w", zipfile.ZIP_DEFLATED) as dense,
    ):
        for member in plain.infolist():
            dense.writestr(member.filename, plain.read(member))
    assert Path("b.pth").stat().st_size < 2**18
    with pytest.raises(UserError, match="more than 200 times as much"):
        files.read_content(Path("b.pth"))
    assert files.read_content(Path("w.pth"))["a"].shape == (2**25,)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_damage_anywhere_in_weights_is_an_error_of_one_line_or_other_numbers(suffix, rng):
    path, state = Path(f"w{suffix}"), {f"l{k}.weight": torch.ones(3, 4) for k in range(5)}
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    content, refused = path.read_bytes(), 0
    for place in rng.choice(min(len(content), 1500), 150, replace=False):
        damaged = bytearray(content)
        damaged[place] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        try:
            files.read_content(path)
        except UserError:
            refused += 1
    assert refused > 20  # the rest fell on numbers, names and padding


def test_a_bare_pickle_with_a_weights_name_is_refused():
    Path("w.pth").write_bytes(pickle.dumps(Payload()))
    with pytest.raises(UserError, match=r"w\.pth"):
        files.read_content(Path("w.pth"))


def test_safetensors_cannot_hold_a_pickle_or_point_out_of_the_file():
    for header in (b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,99999]}}', b"{" * 60):
        Path("w.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(8))
        with pytest.raises(UserError, match="not a readable file of weights"):
            files.read_content(Path("w.safetensors"))
    Path("w.safetensors").write_bytes(struct.pack("<Q", 2**62) + b"{}")
    with pytest.raises(UserError, match="not a readable file of weights"):
        files.read_content(Path("w.safetensors"))
    save_file({"a": torch.ones(2)}, "w.safetensors")
    assert files.read_content(Path("w.safetensors"))["a"].tolist() == [1, 1]
