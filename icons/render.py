#!/usr/bin/env python3
"""Renders boxwright.svg into the sizes that desktops ask for, and packs them for Windows and macOS.

Needs rsvg-convert (Debian: librsvg2-bin).
"""

import pathlib
import struct
import subprocess

HERE = pathlib.Path(__file__).parent
SOURCE = HERE / "boxwright.svg"
# macOS names each size by four letters.
ICNS = {16: b"icp4", 32: b"icp5", 64: b"icp6", 128: b"ic07", 256: b"ic08", 512: b"ic09"}
ICO = [16, 32, 48, 64, 128, 256]
PNG = [32, 128, 256, 512]


def render(size: int) -> bytes:
    command = ["rsvg-convert", "-w", str(size), "-h", str(size), str(SOURCE)]
    return subprocess.run(command, check=True, capture_output=True).stdout


def ico(pictures: dict[int, bytes]) -> bytes:
    head = struct.pack("<HHH", 0, 1, len(pictures))
    offset = len(head) + 16 * len(pictures)
    entries = b""
    for size, png in pictures.items():
        side = size % 256
        entries += struct.pack("<BBBBHHII", side, side, 0, 0, 1, 32, len(png), offset)
        offset += len(png)
    return head + entries + b"".join(pictures.values())


def icns(pictures: dict[int, bytes]) -> bytes:
    body = b"".join(ICNS[size] + struct.pack(">I", len(png) + 8) + png for size, png in pictures.items())
    return b"icns" + struct.pack(">I", len(body) + 8) + body


def main() -> None:
    sizes = {size: render(size) for size in sorted({*ICO, *ICNS, *PNG})}
    for size in PNG:
        (HERE / f"{size}x{size}.png").write_bytes(sizes[size])
    (HERE / "icon.ico").write_bytes(ico({size: sizes[size] for size in ICO}))
    (HERE / "icon.icns").write_bytes(icns({size: sizes[size] for size in ICNS}))


if __name__ == "__main__":
    main()
