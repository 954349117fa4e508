"""Pictures that try what decoders do differently: depths, alpha, metadata, headers."""

import io
import itertools
import pathlib
import struct
import sys
import zlib

import numpy as np
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
import pictures
from metadata import app, exif_block, exif_blocks, profiles, with_segments, xmp
from pictures import encoded, photo, png, png_chunk

SIZE = (21, 13)
WIDE = np.random.default_rng(5).integers(0, 65536, (13, 21, 4), dtype=np.uint16)
ORIENTATIONS = range(1, 9)


def parts():
    image = photo(*SIZE)
    grey = image.convert("L")
    alpha = Image.linear_gradient("L").resize(SIZE)
    rgba, la = image.copy(), Image.merge("LA", (grey, alpha))
    rgba.putalpha(alpha)
    return image, grey, rgba, la


def jpegs(image, grey):
    plain = encoded(image, "JPEG", quality=85)
    for tag in ORIENTATIONS:
        yield f"exif-{tag}.jpg", encoded(image, "JPEG", exif=pictures.exif(tag))
        yield f"exif-{tag}-grey.jpg", encoded(grey, "JPEG", exif=pictures.exif(tag))
    for name, block in exif_blocks():
        yield f"exif-{name}.jpg", with_segments(plain, app(0xE1, b"Exif\0\0" + block))
    exif6, exif3 = (app(0xE1, b"Exif\0\0" + exif_block(tag)) for tag in (6, 3))
    space = b"http://ns.adobe.com/xap/1.0/\0"
    yield "xmp.jpg", with_segments(plain, app(0xE1, space + xmp(6)))
    yield "xmp-element.jpg", with_segments(plain, app(0xE1, space + xmp(8, False)))
    yield "xmp-then-exif.jpg", with_segments(plain, app(0xE1, space + xmp(3)), exif6)
    yield "two-exifs.jpg", with_segments(plain, exif6, exif3)
    # A description that lies in the second segment, before the orientation.
    far = exif_block(6, before=struct.pack("<HHII", 0x010E, 2, 20, 60))
    rest = app(0xE1, b"Exif\0\0" + b"a" * 60)
    yield "exif-in-two-parts.jpg", with_segments(plain, app(0xE1, b"Exif\0\0" + far), rest)
    yield "two-xmps.jpg", with_segments(plain, app(0xE1, space + xmp(3)), app(0xE1, space + xmp(6)))
    yield "empty-exif-then-exif.jpg", with_segments(plain, app(0xE1, b"Exif\0\0" + b"II*\0"), exif6)
    for name, icc in profiles():
        yield f"icc-{name}.jpg", encoded(image, "JPEG", icc_profile=icc)
    wide = image.resize((35, 27))
    for quality, subsampling in itertools.product((1, 30, 75, 95, 100), (0, 1, 2)):
        yield f"q{quality}-s{subsampling}.jpg", encoded(wide, "JPEG", quality=quality, subsampling=subsampling)
    for size in ((1, 1), (2, 3), (8, 16), (9, 17), (15, 31), (33, 47)):
        yield f"size-{size[0]}x{size[1]}.jpg", encoded(photo(*size), "JPEG", quality=90)
        yield f"size-{size[0]}x{size[1]}-grey.jpg", encoded(photo(*size).convert("L"), "JPEG")
    yield "progressive-grey.jpg", encoded(grey, "JPEG", progressive=True)
    yield "kept-rgb.jpg", encoded(image, "JPEG", keep_rgb=True)
    inks = np.random.default_rng(9).integers(0, 256, (13, 21, 4), dtype=np.uint8)
    cmyk = Image.frombytes("CMYK", SIZE, inks.tobytes())
    yield "cmyk.jpg", encoded(cmyk, "JPEG", quality=100)
    yield "cmyk-exif.jpg", encoded(cmyk, "JPEG", exif=pictures.exif(6))
    yield "ycck.jpg", pictures.cmyk_as_ycck(encoded(cmyk, "JPEG", subsampling=0))
    adobe = encoded(cmyk, "JPEG", quality=100)
    at = adobe.index(b"Adobe\0") - 4
    yield "cmyk-no-adobe.jpg", adobe[:at] + adobe[at + 16 :]


def packed(values, bits):
    """Rows of values of 1, 2 or 4 bits."""
    per = 8 // bits
    rows = []
    for row in values:
        row = np.pad(row.astype(np.uint8), (0, -len(row) % per)).reshape(-1, per)
        rows.append(sum(row[:, n].astype(np.uint16) << (8 - bits * (n + 1)) for n in range(per)).astype(np.uint8).tobytes())
    return rows


def pngs(image, grey, rgba, la):
    width, height = SIZE
    wide_grey, wide_la = WIDE[..., 0], WIDE[..., [0, 3]]
    levels = np.asarray(grey)
    for bits in (1, 2, 4):
        rows = packed(levels >> (8 - bits), bits)
        yield f"grey-{bits}.png", png(width, height, bits, 0, rows)
        yield f"grey-{bits}-trns.png", png(width, height, bits, 0, rows, extra=png_chunk(b"tRNS", b"\0\1"))
        colours = bytes(np.random.default_rng(bits).integers(0, 256, 3 << bits, dtype=np.uint8))
        plte = png_chunk(b"PLTE", colours)
        yield f"palette-{bits}.png", png(width, height, bits, 3, rows, extra=plte)
        yield f"palette-{bits}-trns.png", png(width, height, bits, 3, rows, extra=plte + png_chunk(b"tRNS", b"\x40\x80"))
    yield "palette.png", encoded(image.quantize(200), "PNG")
    yield "palette-grey.png", encoded(grey.convert("P"), "PNG")
    yield "palette-trns.png", encoded(image.quantize(200), "PNG", transparency=bytes(range(200)))
    kinds = {"rgb": (image, 2, WIDE[..., :3]), "rgba": (rgba, 6, WIDE), "grey": (grey, 0, wide_grey), "la": (la, 4, wide_la)}
    extras = {
        "": b"",
        "-srgb": png_chunk(b"sRGB", b"\0"),
        "-gamma": png_chunk(b"gAMA", struct.pack(">I", 45455)),
        "-gamma1": png_chunk(b"gAMA", struct.pack(">I", 100000)),
        "-gamma-near1": png_chunk(b"gAMA", struct.pack(">I", 97000)),
        "-chrm": png_chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
    }
    for (name, (picture, color, wide)), (extra, chunk) in itertools.product(kinds.items(), extras.items()):
        pixels = np.asarray(picture)
        yield f"{name}{extra}.png", png(width, height, 8, color, [row.tobytes() for row in pixels], extra=chunk)
        yield f"{name}-16{extra}.png", pictures.png16(wide, color, extra=chunk)
    for name, gamma in (("palette-gamma", 45455), ("palette-gamma22", 220000)):
        picture = image.quantize(50)
        plte = png_chunk(b"gAMA", struct.pack(">I", gamma)) + png_chunk(b"PLTE", bytes(picture.getpalette()[:150]))
        yield f"{name}.png", png(width, height, 8, 3, [row.tobytes() for row in np.asarray(picture)], extra=plte)
    yield "rgb-trns.png", encoded(image, "PNG", transparency=(255, 0, 40))
    yield "grey-trns.png", encoded(grey, "PNG", transparency=100)
    yield "rgb-16-trns.png", pictures.png16(WIDE[..., :3], 2, extra=png_chunk(b"tRNS", struct.pack(">3H", *WIDE[0, 0, :3])))
    yield "grey-16-trns.png", pictures.png16(wide_grey, 0, extra=png_chunk(b"tRNS", struct.pack(">H", wide_grey[0, 0])))
    yield "interlaced.png", pictures.adam7(np.asarray(image), 2)
    for name, icc in profiles():
        yield f"icc-{name}.png", encoded(image, "PNG", icc_profile=icc)
    yield from png_orientations(image, rgba)
    yield from apngs(image, rgba, grey)


def png_orientations(image, rgba):
    for tag in ORIENTATIONS:
        yield f"exif-{tag}.png", encoded(image, "PNG", exif=pictures.exif(tag))
    yield "exif-6-alpha.png", encoded(rgba, "PNG", exif=pictures.exif(6))
    plain = encoded(image, "PNG")
    end = len(plain) - 12
    block = exif_block(6)
    hexed = (b"Exif\0\0" + block).hex()
    lines = "\n".join(hexed[at : at + 72] for at in range(0, len(hexed), 72))
    text = f"\nexif\n{len(hexed) // 2:8}\n{lines}\n".encode()
    chunks = {
        "exif-behind": (end, png_chunk(b"eXIf", block)),
        "exif-prefixed": (33, png_chunk(b"eXIf", b"Exif\0\0" + block)),
        "exif-big": (33, png_chunk(b"eXIf", exif_block(8, ">"))),
        "raw-profile": (33, png_chunk(b"tEXt", b"Raw profile type exif\0" + text)),
        "raw-profile-z": (33, png_chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text))),
        "raw-profile-app1": (33, png_chunk(b"zTXt", b"Raw profile type APP1\0\0" + zlib.compress(text))),
        "xmp": (33, png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(6))),
        "xmp-z": (33, png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(xmp(8)))),
        "xmp-behind": (end, png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(3))),
    }
    for name, (at, chunk) in chunks.items():
        yield f"{name}.png", plain[:at] + chunk + plain[at:]


def apngs(image, rgba, grey):
    for name, picture in (("rgb", image), ("rgba", rgba), ("grey", grey)):
        turned = picture.transpose(Image.Transpose.ROTATE_180)
        yield f"animated-{name}.png", encoded(picture, "PNG", save_all=True, append_images=[turned])
    turned = image.transpose(Image.Transpose.ROTATE_180)
    options = {"save_all": True, "append_images": [turned, image], "default_image": True}
    yield "animated-default.png", encoded(image, "PNG", **options)


def webps(image, rgba):
    for tag in ORIENTATIONS:
        yield f"exif-{tag}.webp", encoded(image, "WEBP", exif=pictures.exif(tag), lossless=True)
    yield "exif-6-alpha.webp", encoded(rgba, "WEBP", exif=pictures.exif(6), lossless=True, exact=True)
    for name in ("little", "big", "type1-big", "type4-little", "bad-text"):
        block = dict(exif_blocks())[name]
        yield f"exif-{name}.webp", encoded(image, "WEBP", exif=block)
    prefixed = encoded(image, "WEBP", exif=b"??????" + exif_block(6))
    yield "exif-prefixed.webp", prefixed.replace(b"??????", b"Exif\0\0")
    yield "xmp.webp", encoded(image, "WEBP", xmp=xmp(6))
    for quality in (1, 60, 100):
        yield f"lossy-{quality}.webp", encoded(image, "WEBP", quality=quality)
        yield f"lossy-{quality}-alpha.webp", encoded(rgba, "WEBP", quality=quality)
    opaque = image.copy()
    opaque.putalpha(255)
    yield "opaque-alpha.webp", encoded(opaque, "WEBP", lossless=True)
    for size in ((1, 1), (2, 3), (17, 16), (33, 31)):
        yield f"size-{size[0]}x{size[1]}.webp", encoded(photo(*size), "WEBP", quality=80)
    for name, icc in profiles():
        yield f"icc-{name}.webp", encoded(image, "WEBP", icc_profile=icc)
    turned = rgba.transpose(Image.Transpose.ROTATE_180)
    yield "animated.webp", encoded(image, "WEBP", save_all=True, append_images=[image.rotate(180)], lossless=True)
    yield "animated-alpha.webp", encoded(rgba, "WEBP", save_all=True, append_images=[turned], lossless=True, exact=True)


def bmp(width, height, bits, data, header=40, compression=0, masks=(), palette=b"", alpha=0, used=None):
    """`masks` are red, green, blue and perhaps alpha: within the header where it has room."""
    masks = b"".join(struct.pack("<I", mask) for mask in masks)
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        used = len(palette) // 4 if used is None else used
        info = struct.pack("<IiiHHIIiiII", header, width, height, 1, bits, compression, len(data), 0, 0, used, 0)
        if header == 40:
            info += masks
        else:
            info = (info + masks).ljust(header, b"\0")
    offset = 14 + len(info) + len(palette)
    return b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset) + info + palette + data


def rows(pixels):
    """Bottom up, each row filled to four bytes."""
    return b"".join(row.tobytes() + b"\0" * (-row.nbytes % 4) for row in pixels[::-1])


def bmps(image, grey, rgba):
    width, height = SIZE
    pixels = np.asarray(rgba)
    bgr, bgra = rows(pixels[..., 2::-1]), rows(np.ascontiguousarray(pixels[..., [2, 1, 0, 3]]))
    clear = pixels.copy()
    clear[..., 3] = 0
    clear = rows(np.ascontiguousarray(clear[..., [2, 1, 0, 3]]))
    yield "24.bmp", bmp(width, height, 24, bgr)
    yield "24-os2.bmp", bmp(width, height, 24, bgr, header=12)
    yield "24-v5.bmp", bmp(width, height, 24, bgr, header=124)
    masks = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    for name, data in (("", bgra), ("-clear", clear)):
        yield f"32{name}.bmp", bmp(width, height, 32, data)
        yield f"32-v4{name}.bmp", bmp(width, height, 32, data, header=108)
        yield f"32-masks{name}.bmp", bmp(width, height, 32, data, compression=3, masks=masks[:3])
        for header in (52, 56, 108, 124):
            most = 3 if header == 52 else 4
            yield f"32-masks-{header}{name}.bmp", bmp(width, height, 32, data, header, 3, masks[:most])
        yield f"32-masks-opaque-124{name}.bmp", bmp(width, height, 32, data, 124, 3, masks[:3] + (0,))
    yield "32-masks-rgba.bmp", bmp(width, height, 32, bgra, 124, 3, (0xFF, 0xFF00, 0xFF0000, 0xFF000000))
    yield "32-masks-101010.bmp", bmp(width, height, 32, bgra, 40, 3, (0x3FF00000, 0xFFC00, 0x3FF))
    words = rows(np.random.default_rng(4).integers(0, 65536, (height, width), dtype=np.uint16))
    yield "16.bmp", bmp(width, height, 16, words)
    yield "16-555.bmp", bmp(width, height, 16, words, 40, 3, (0x7C00, 0x3E0, 0x1F))
    yield "16-565.bmp", bmp(width, height, 16, words, 40, 3, (0xF800, 0x7E0, 0x1F))
    yield "16-565-v4.bmp", bmp(width, height, 16, words, 108, 3, (0xF800, 0x7E0, 0x1F, 0))
    yield "16-444.bmp", bmp(width, height, 16, words, 40, 3, (0xF00, 0xF0, 0xF))
    yield "16-4444.bmp", bmp(width, height, 16, words, 108, 3, (0xF00, 0xF0, 0xF, 0xF000))
    yield from palette_bmps(grey)


def palette_bmps(grey):
    width, height = SIZE
    levels = np.asarray(grey)
    for bits in (1, 4, 8):
        colours = np.random.default_rng(bits).integers(0, 256, (1 << bits, 4), dtype=np.uint8)
        colours[:, 3] = 0
        ramp = np.repeat((np.arange(1 << bits) * 255 // ((1 << bits) - 1)).astype(np.uint8)[:, None], 4, 1)
        ramp[:, 3] = 0
        indices = levels >> (8 - bits)
        lines = [np.frombuffer(row, np.uint8) for row in (packed(indices, bits) if bits < 8 else indices)]
        data = rows(np.stack(lines))
        yield f"{bits}-colours.bmp", bmp(width, height, bits, data, palette=colours.tobytes())
        yield f"{bits}-greys.bmp", bmp(width, height, bits, data, palette=ramp.tobytes())
        yield f"{bits}-inverted.bmp", bmp(width, height, bits, data, palette=ramp[::-1].tobytes())
        yield f"{bits}-os2.bmp", bmp(width, height, bits, data, header=12, palette=colours[:, :3].tobytes())
    few = colours[:100].tobytes()
    yield "8-few.bmp", bmp(width, height, 8, rows(levels % 100), palette=few)
    yield "8-few-past.bmp", bmp(width, height, 8, rows(levels), palette=few)
    flat = colours.tobytes()
    yield "rle8.bmp", pictures.bmp_rle8(levels, flat)
    runs = b"".join(b"\x0a\x12\x04\x34\x00\x07\x12\x34\x56\x70\0\0" for _ in range(height))
    yield "rle4.bmp", bmp(width, height, 4, runs + b"\0\1", compression=2, palette=flat[:64])
    gaps = b"\x05\x21\0\2\3\1\x04\x77\0\0" + b"\x03\x11\0\1"
    yield "rle8-gaps.bmp", bmp(width, height, 8, gaps, compression=1, palette=flat)
    yield "rle8-short.bmp", bmp(width, height, 8, b"\x15\x21\0\0\x15\x44\0\1", compression=1, palette=flat)


def gif(screen, frames, table=b"", background=0, version=b"89a", end=b"\x3b"):
    """`frames`: (left, top, indices, local table, transparent index or None)."""

    def flags(colours):
        return 0x80 | (len(colours) // 3).bit_length() - 2 if colours else 0

    out = b"GIF" + version + struct.pack("<HHBBB", *screen, flags(table) | 0x70, background, 0) + table
    for left, top, indices, local, transparent in frames:
        if transparent is not None:
            out += b"\x21\xf9\x04\x01\0\0" + bytes([transparent, 0])
        height, width = indices.shape
        out += b"\x2c" + struct.pack("<HHHHB", left, top, width, height, flags(local)) + local
        out += b"\x08" + lzw(indices) + b"\0"
    return out + end


def lzw(indices):
    """Codes of 9 bits, the table cleared before it grows."""
    bits, count, blocks, codes = 0, 0, b"", []
    for n, index in enumerate(indices.tobytes()):
        if n % 200 == 0:
            codes.append(256)
        codes.append(index)
    data = bytearray()
    for code in codes + [257]:
        bits |= code << count
        count += 9
        while count >= 8:
            data.append(bits & 255)
            bits, count = bits >> 8, count - 8
    if count:
        data.append(bits & 255)
    for at in range(0, len(data), 255):
        part = bytes(data[at : at + 255])
        blocks += bytes([len(part)]) + part
    return blocks


def gifs(image, grey):
    levels = np.asarray(grey)
    colours = np.random.default_rng(8).integers(0, 256, (2, 256, 3), dtype=np.uint8)
    table, other = colours[0].tobytes(), colours[1].tobytes()
    small = np.ascontiguousarray(levels[2:9, 3:15])
    whole = (0, 0, levels, b"", None)
    yield "plain.gif", gif(SIZE, [whole], table, 7)
    yield "87a.gif", gif(SIZE, [whole], table, version=b"87a")
    yield "local.gif", gif(SIZE, [(0, 0, levels, other, None)])
    yield "both-tables.gif", gif(SIZE, [(0, 0, levels, other, None)], table, 9)
    yield "no-table.gif", gif(SIZE, [whole])
    for background in (0, 200):
        yield f"transparent-{background}.gif", gif(SIZE, [(0, 0, levels, b"", int(levels[4, 4]))], table, background)
        yield f"small-{background}.gif", gif(SIZE, [(4, 2, small, b"", None)], table, background)
        yield f"small-transparent-{background}.gif", gif(SIZE, [(4, 2, small, b"", int(small[3, 3]))], table, background)
        yield f"small-local-{background}.gif", gif(SIZE, [(4, 2, small, other, None)], table, background)
    yield "small-no-global.gif", gif(SIZE, [(4, 2, small, other, 3)])
    yield "transparent-local.gif", gif(SIZE, [(0, 0, levels, other, int(levels[4, 4]))])
    yield "second-transparent.gif", gif(SIZE, [whole, (0, 0, levels, b"", 3)], table, 5)
    yield "second-opaque.gif", gif(SIZE, [(0, 0, levels, b"", int(levels[4, 4])), (0, 0, levels, other, None)], table, 5)
    yield "second-other.gif", gif(SIZE, [(0, 0, levels, b"", 3), (4, 2, small, b"", 4)], table, 5)
    yield "past-screen.gif", gif(SIZE, [(15, 9, small, b"", None)], table)
    yield "background-past.gif", gif(SIZE, [(0, 0, levels % 16, b"", None)], table[:48], 100)
    yield "index-past.gif", gif(SIZE, [(0, 0, levels % 40, b"", None)], table[:48])
    yield "no-end.gif", gif(SIZE, [whole], table, end=b"")
    yield "interlaced.gif", encoded(image.quantize(200), "GIF", interlace=1)


def tiff(tags, data, order="<", strips=1, tiled=False):
    """One directory of shorts and longs, and `data` in as many strips, or as its parts are."""
    tags = dict(tags)
    if isinstance(data, bytes):
        length = -(-len(data) // strips)
        data = [data[at : at + length] for at in range(0, len(data), length)]
    head, extra = 8, b""
    offsets, lengths = (324, 325) if tiled else (273, 279)
    tags[lengths] = [len(part) for part in data]
    tags[offsets] = list(itertools.accumulate(tags[lengths][:-1], initial=head))
    data = b"".join(data)
    start = head + len(data) + len(data) % 2
    directory = struct.pack(order + "H", len(tags))
    extra_at = start + 2 + 12 * len(tags) + 4
    for tag, values in sorted(tags.items()):
        values = values if isinstance(values, (list, tuple, bytes)) else [values]
        kind = 4 if tag in (273, 279, 324, 325) else 3
        if isinstance(values, bytes):
            kind, body = 7, values
        else:
            body = struct.pack(order + f"{len(values)}{'I' if kind == 4 else 'H'}", *values)
        count = len(values)
        if len(body) <= 4:
            field = body.ljust(4, b"\0")
        else:
            field = struct.pack(order + "I", extra_at + len(extra))
            extra += body + b"\0" * (len(body) % 2)
        directory += struct.pack(order + "HHI", tag, kind, count) + field
    magic = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, start)
    return magic + data + b"\0" * (len(data) % 2) + directory + b"\0" * 4 + extra


def jpeg_tiff(image, size, subsampling, steps, tiled=False):
    """A TIFF of whole JPEGs, one a strip or a tile; tiles stand out at the right and the bottom."""
    width, height = image.size
    parts = []
    for top, left in itertools.product(range(0, height, size[1]), range(0, width, size[0])):
        bottom = top + size[1] if tiled else min(top + size[1], height)
        part = image.crop((left, top, left + size[0], bottom))
        parts.append(encoded(part, "JPEG", subsampling=subsampling, quality=85))
    tags = {256: width, 257: height, 258: [8] * 3, 259: 7, 262: 6, 277: 3, 284: 1, 530: list(steps)}
    tags |= {322: size[0], 323: size[1]} if tiled else {278: size[1]}
    return tiff(tags, parts, tiled=tiled)


def described(pixels, photometric, bits=None, **more):
    height, width = pixels.shape[:2]
    samples = pixels.shape[2] if pixels.ndim == 3 else 1
    bits = bits or pixels.dtype.itemsize * 8
    tags = {256: width, 257: height, 258: [bits] * samples, 259: 1, 262: photometric, 277: samples, 278: height, 284: 1}
    return tags | {int(tag[1:]): value for tag, value in more.items()}


def tiffs(image, grey, rgba, la):
    rgb8, grey8, rgba8, la8 = (np.asarray(part) for part in (image, grey, rgba, la))
    cmyk8 = np.random.default_rng(6).integers(0, 256, (13, 21, 4), dtype=np.uint8)
    kinds = {
        "grey": (grey8, 1, {}), "white": (grey8, 0, {}), "rgb": (rgb8, 2, {}), "cmyk": (cmyk8, 5, {}),
        "rgba": (rgba8, 2, {"t338": 2}), "rgbA": (rgba8, 2, {"t338": 1}), "rgbx": (rgba8, 2, {"t338": 0}),
        "la": (la8, 1, {"t338": 2}), "lA": (la8, 1, {"t338": 1}), "lx": (la8, 1, {"t338": 0}),
        "grey16": (WIDE[..., 0], 1, {}), "white16": (WIDE[..., 0], 0, {}), "rgb16": (WIDE[..., :3], 2, {}),
        "rgba16": (WIDE, 2, {"t338": 2}), "rgbA16": (WIDE, 2, {"t338": 1}), "cmyk16": (WIDE, 5, {}),
    }
    for name, (pixels, photometric, more) in kinds.items():
        for order in "<>":
            data = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
            tags = described(pixels, photometric, **more)
            yield f"{name}{'-big' if order == '>' else ''}.tif", tiff(tags, data, order)
        if pixels.ndim == 3:
            planes = np.moveaxis(pixels, 2, 0).tobytes()
            yield f"{name}-planar.tif", tiff(described(pixels, photometric, t284=2, **more), planes, strips=pixels.shape[2])
    for tag in ORIENTATIONS:
        yield f"turned-{tag}.tif", encoded(image, "TIFF", tiffinfo={274: tag})
        for name, pixels, photometric in (("grey", grey8, 1), ("rgb16", WIDE[..., :3], 2), ("grey16", WIDE[..., 0], 1)):
            yield f"turned-{tag}-{name}.tif", tiff(described(pixels, photometric, t274=tag), pixels.tobytes())
        yield f"turned-{tag}-one.tif", encoded(grey.convert("1"), "TIFF", tiffinfo={274: tag})
        yield f"turned-{tag}-strips.tif", encoded(image, "TIFF", tiffinfo={274: tag, 278: 4})
    yield from tiff_depths(grey8)
    yield from tiff_codecs(image, grey, rgba)


def tiff_depths(grey8):
    for bits in (1, 2, 4, 8):
        values = grey8 >> (8 - bits)
        data = b"".join(packed(values, bits)) if bits < 8 else values.tobytes()
        colours = np.random.default_rng(bits).integers(0, 65536, 3 << bits, dtype=np.uint16).tolist()
        for name, photometric in (("grey", 1), ("white", 0)):
            yield f"{name}-{bits}.tif", tiff(described(values, photometric, bits), data)
        yield f"palette-{bits}.tif", tiff(described(values, 3, bits, t320=colours), data)
        low = [colour % 256 for colour in colours]
        yield f"palette-{bits}-low.tif", tiff(described(values, 3, bits, t320=low), data)
    floats = (grey8 / np.float32(255)).astype("<f4")
    yield "float.tif", tiff(described(floats, 1, t339=3), floats.tobytes())


def tiff_codecs(image, grey, rgba):
    for codec in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        yield f"{codec}.tif", encoded(image, "TIFF", compression=codec)
        yield f"{codec}-grey.tif", encoded(grey, "TIFF", compression=codec)
    ycbcr = photo(67, 51).convert("YCbCr")
    random = np.random.default_rng(2).integers(0, 256, (13, 21, 3), dtype=np.uint8)
    yield "ycbcr.tif", tiff(described(random, 6, t530=[1, 1]), random.tobytes())
    yield "ycbcr-lzw.tif", encoded(image.convert("YCbCr"), "TIFF", compression="tiff_lzw")
    yield "jpeg-ycbcr.tif", encoded(ycbcr, "TIFF", compression="jpeg")
    yield "jpeg-strips.tif", encoded(photo(67, 51), "TIFF", compression="jpeg", tiffinfo={278: 16})
    yield "jpeg-turned.tif", encoded(image, "TIFF", compression="jpeg", tiffinfo={274: 6})
    for subsampling, steps in ((0, (1, 1)), (1, (2, 1)), (2, (2, 2))):
        yield f"jpeg-{subsampling}-strips.tif", jpeg_tiff(photo(67, 51), (67, 16), subsampling, steps)
        yield f"jpeg-{subsampling}-tiles.tif", jpeg_tiff(photo(67, 51), (32, 16), subsampling, steps, tiled=True)
    yield "lzw-rgba.tif", encoded(rgba, "TIFF", compression="tiff_lzw")
    yield "predictor.tif", encoded(image, "TIFF", compression="tiff_lzw", tiffinfo={317: 2})
    for codec in ("group3", "group4"):
        yield f"{codec}.tif", encoded(grey.convert("1"), "TIFF", compression=codec)
    for name, icc in profiles():
        yield f"icc-{name}.tif", encoded(image, "TIFF", icc_profile=icc)


def all_pictures():
    """Yields name and bytes, small ones."""
    image, grey, rgba, la = parts()
    yield from jpegs(image, grey)
    yield from pngs(image, grey, rgba, la)
    yield from webps(image, rgba)
    yield from bmps(image, grey, rgba)
    yield from gifs(image, grey)
    yield from tiffs(image, grey, rgba, la)
