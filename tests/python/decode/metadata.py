"""EXIF blocks, XMP packets and colour profiles, whole and broken ones."""

import itertools
import struct


def exif_block(orientation, order="<", kind=3, before=b"", offset=8):
    """A TIFF header and one directory: `before` is entries, `kind` the orientation's type."""
    value = {1: "BBBB", 3: "HH", 4: "I"}[kind]
    numbers = [orientation] + [0] * (len(value) - 1)
    entry = struct.pack(order + "HHI" + value, 0x0112, kind, 1, *numbers)
    count = len(before) // 12 + 1
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, offset)
    return head + b"\0" * (offset - 8) + struct.pack(order + "H", count) + before + entry + b"\0" * 4


def exif_blocks():
    yield "little", exif_block(6)
    yield "big", exif_block(6, ">")
    for kind, order in itertools.product((1, 4), "<>"):
        yield f"type{kind}-{'little' if order == '<' else 'big'}", exif_block(6, order, kind)
    yield "far", exif_block(8, ">", offset=40)
    yield "zero", exif_block(0)
    yield "nine", exif_block(9)
    # A description of 90 bytes that isn't there, before the orientation.
    yield "bad-text", exif_block(6, before=struct.pack("<HHII", 0x010E, 2, 90, 4000))
    yield "short-text", exif_block(6, before=struct.pack("<HHI4s", 0x010F, 2, 3, b"ab\0\0"))
    yield "bad-unknown", exif_block(6, before=struct.pack("<HHII", 0x0100, 2, 90, 4000))
    yield "bad-rational", exif_block(6, before=struct.pack("<HHII", 0x011A, 5, 1, 4000))
    yield "twice", exif_block(6, before=struct.pack("<HHIHH", 0x0112, 3, 1, 3, 0))
    yield "cut", exif_block(6)[:20]
    yield "many", b"II*\0\x08\0\0\0\xff\xff" + exif_block(6)[10:]


def xmp(orientation, attribute=True):
    text = f'tiff:Orientation="{orientation}"' if attribute else f"x><tiff:Orientation>{orientation}</tiff:Orientation"
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description {text}/></x:xmpmeta>'.encode()


def profiles():
    """Name and ICC profile: sRGB's, and one with other primaries, of both kinds of description."""
    yield "srgb", profile(desc("sRGB IEC61966-2.1"))
    yield "p3-mluc", profile(mluc("Display P3"))
    yield "p3-desc", profile(desc("Display P3"))
    yield "unnamed", profile(None)


def mluc(text):
    data = text.encode("utf-16-be")
    return b"mluc" + struct.pack(">IIIHHII", 0, 1, 12, 0x656E, 0x5553, len(data), 28) + data


def desc(text):
    data = text.encode() + b"\0"
    return b"desc" + struct.pack(">II", 0, len(data)) + data + b"\0" * 78


def profile(description):
    """A profile with a header and at most a description: nobody applies it here."""
    tags = [] if description is None else [(b"desc", description)]
    table = struct.pack(">I", len(tags))
    at = 128 + 4 + 12 * len(tags)
    for name, data in tags:
        table += name + struct.pack(">II", at, len(data))
        at += len(data)
    body = table + b"".join(data for _, data in tags)
    size = 128 + len(body)
    header = struct.pack(">I4sI4s4s4s", size, b"none", 0x04000000, b"mntr", b"RGB ", b"XYZ ")
    header += b"\0" * 12 + b"acsp" + b"\0" * 88
    return header[:128].ljust(128, b"\0") + body


def app(marker, data):
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def with_segments(jpeg, *segments):
    return jpeg[:2] + b"".join(segments) + jpeg[2:]
