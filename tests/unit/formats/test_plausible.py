"""Sizes that are counted before anything is unpacked."""

import zlib

import pytest

from itcortex.formats import plausible


@pytest.mark.parametrize("length", [0, 7, 60, 2**20, 3 * 2**20 + 17])
def test_inflated_bytes_are_counted_to_the_last(length, rng):
    content = rng.bytes(length // 2) + bytes(length - length // 2)
    stream = memoryview(zlib.compress(content) + b"rest")
    assert plausible.inflated_bytes(stream, "a") == length
