"""TFRecords that were made to do harm: lengths beyond the shard, fields within fields."""

import struct
from pathlib import Path

import pytest
from crc32c import crc32c

from itcortex.data.published import clickme
from itcortex.errors import UserError

pytestmark = [pytest.mark.network, pytest.mark.usefixtures("unharmed")]


def record(content: bytes, length: int | None = None) -> bytes:
    """A record with right checksums, whatever length it claims."""

    def masked(piece: bytes) -> bytes:
        crc = crc32c(piece)
        return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)

    head = struct.pack("<Q", len(content) if length is None else length)
    return head + masked(head) + content + masked(content)


@pytest.mark.parametrize("length", [2**64 - 1, 2**63, 2**40])
def test_a_record_that_claims_more_than_the_shard_is_not_allocated(length):
    Path("a.tfrecords").write_bytes(record(b"x" * 100, length))
    with pytest.raises(UserError, match="cut in the middle of a record"):
        clickme.read_shard("a.tfrecords")


def test_a_huge_record_is_passed_over_unread():
    with Path("a.tfrecords").open("wb") as handle:
        handle.write(record(bytes(2**24 + 1)))
        handle.write(record(b"no example"))
    with pytest.raises(
        UserError, match=r"2 places, 0 good records; .* a record of 16,777,217 bytes"
    ):
        clickme.read_shard("a.tfrecords")


def test_a_record_of_deeply_nested_fields_is_a_damaged_one():
    content = b""
    for _ in range(300):
        size, head = len(content), b"\x0a"
        while size >= 128:
            head, size = head + bytes([size % 128 + 128]), size // 128
        content = head + bytes([size]) + content
    Path("a.tfrecords").write_bytes(record(content))
    with pytest.raises(UserError, match="0 good records"):
        clickme.read_shard("a.tfrecords")
