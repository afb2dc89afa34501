"""Files of weights."""

import os

import pytest

from itcortex import store
from itcortex.errors import UserError

pytestmark = pytest.mark.network


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_a_file_of_weights_may_be_read_by_whom_the_umask_allows(tmp_path, umask, mode):
    import torch

    path, former = tmp_path / "a.safetensors", os.umask(umask)
    try:
        store.write_weights(path, {"a": torch.ones(3)}, {"step": 1})
    finally:
        os.umask(former)
    assert path.stat().st_mode & 0o777 == mode
    state, attributes = store.read_weights(path)
    assert state["a"].tolist() == [1, 1, 1] and attributes == {"step": 1}


def test_a_header_that_is_damaged_is_named(tmp_path):
    import torch

    path = tmp_path / "a.safetensors"
    store.write_weights(path, {"a": torch.ones(3)}, {"step": 1})
    path.write_bytes(path.read_bytes().replace(b'\\"step\\": 1', b'\\"step\\"; 1'))
    with pytest.raises(UserError, match=r"a\.safetensors: not a readable safetensors file"):
        store.read_weights(path)
