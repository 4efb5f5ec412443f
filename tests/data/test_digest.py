"""Digests and names."""

import hashlib
import os

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lcc.data.digest import (
    decode_name,
    digest_file,
    digest_pixels,
    digest_rows,
    encode_name,
)
from tests.builders.pictures import a_picture


def test_file_digests_are_of_the_raw_bytes():
    digests = digest_file(b"tile")

    assert digests.md5 == hashlib.md5(b"tile", usedforsecurity=False).hexdigest()
    assert digests.sha256 == hashlib.sha256(b"tile").hexdigest()


def test_pixel_digests_know_the_shape():
    flat = np.zeros((2, 8, 3), np.uint8)

    assert digest_pixels(flat) != digest_pixels(flat.reshape(4, 4, 3))


def test_pixel_digests_ignore_the_memory_layout():
    picture = a_picture()

    mirrored = np.ascontiguousarray(picture[:, ::-1])

    assert digest_pixels(picture[:, ::-1]) == digest_pixels(mirrored)


def test_row_digests_depend_on_the_order():
    assert digest_rows([(1,), (2,)]) != digest_rows([(2,), (1,)])


@given(st.binary(max_size=40))
def test_any_file_name_has_a_text_form_and_back(raw):
    name = os.fsdecode(raw)

    text = encode_name(name)

    assert os.fsencode(decode_name(text)) == raw
    text.encode("utf-8")


@given(st.text(max_size=40))
def test_the_text_form_of_proper_names_is_readable(name):
    kept = "".join(c for c in name if c != "\\" and not 0xD800 <= ord(c) <= 0xDFFF)

    assert encode_name(kept) == kept
