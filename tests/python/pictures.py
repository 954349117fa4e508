"""Pictures in every format and mode that Boxwright reads, made without its help."""

import io
import struct
import zlib

import numpy as np
from PIL import Image, PngImagePlugin

ORIENTATION = 0x0112


def photo(width, height, seed=7):
    """Smooth colours with some noise and hard edges: what filters and codecs find hard."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    channels = [
        128 + 90 * np.sin(x / 9.0 + seed) + 30 * np.cos(y / 5.0),
        128 + 100 * np.cos((x + y) / 13.0),
        (x * 7 + y * 11) % 256,
    ]
    pixels = np.stack(channels, -1) + rng.normal(0, 12, (height, width, 3))
    pixels[height // 3 : height // 2, width // 4 : width // 2] = (255, 0, 40)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def noise(width, height, seed=3):
    """Every pixel by chance: the most that a filter's rounding can go wrong."""
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


def encoded(image, format, **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def exif(orientation):
    block = Image.Exif()
    block[ORIENTATION] = orientation
    return block.tobytes()


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, bits, color, rows, interlace=0, extra=b""):
    """A PNG of raw, unfiltered `rows`."""
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, interlace)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    chunks = png_chunk(b"IHDR", header) + extra + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def png16(pixels, color, **options):
    height, width = pixels.shape[:2]
    return png(width, height, 16, color, [row.astype(">u2").tobytes() for row in pixels], **options)


def adam7(pixels, color):
    """An interlaced PNG of 8-bit pixels."""
    height, width = pixels.shape[:2]
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    rows = []
    for top, left, down, across in passes:
        part = pixels[top::down, left::across]
        if part.size:
            rows += [row.tobytes() for row in part]
    return png(width, height, 8, color, rows, interlace=1)


def bmp(width, height, bits, data, compression=0, masks=b"", palette=b"", top_down=False):
    offset = 14 + 40 + len(masks) + len(palette)
    info = struct.pack(
        "<IiiHHIIiiII", 40, width, -height if top_down else height, 1, bits, compression,
        len(data), 2835, 2835, len(palette) // 4, 0,
    )
    return b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset) + info + masks + palette + data


def bmp565(image):
    pixels = np.asarray(image).astype(np.uint16)
    words = (pixels[..., 0] >> 3 << 11) | (pixels[..., 1] >> 2 << 5) | (pixels[..., 2] >> 3)
    height, width = words.shape
    padded = np.zeros((height, (width + 1) // 2 * 2), "<u2")
    padded[:, :width] = words
    masks = struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    return bmp(width, height, 16, padded[::-1].tobytes(), compression=3, masks=masks)


def bmp_rle8(indices, palette):
    height, width = indices.shape
    data = b""
    for row in indices[::-1]:
        for index in row:
            data += bytes([1, index])
        data += b"\0\0"
    return bmp(width, height, 8, data + b"\0\1", compression=1, palette=palette)


def cmyk_as_ycck(cmyk_jpeg):
    """The same coefficients, said to be YCCK by the Adobe marker."""
    at = cmyk_jpeg.index(b"Adobe\0")
    return cmyk_jpeg[: at + 11] + b"\2" + cmyk_jpeg[at + 12 :]


def gif_with_small_frame(transparent):
    """A screen that the first frame doesn't cover."""
    frame = photo(21, 13).quantize(16)
    whole = encoded(frame, "GIF", interlace=0, optimize=False)
    # Widens the logical screen, and moves the frame to (5, 3).
    data = bytearray(whole)
    data[6:10] = struct.pack("<HH", 40, 30)
    table = 3 * 2 ** ((data[10] & 7) + 1)
    at = 13 + table
    if transparent:
        data[at:at] = b"\x21\xf9\x04\x01\0\0\x02\0"
        at += 8
    assert data[at] == 0x2C
    data[at + 1 : at + 5] = struct.pack("<HH", 5, 3)
    return bytes(data)


def all_pictures():
    """Yields name and bytes."""
    image = photo(97, 61)
    grey, alpha = image.convert("L"), Image.linear_gradient("L").resize(image.size)
    rgba = image.copy()
    rgba.putalpha(alpha)
    la = Image.merge("LA", (grey, alpha))
    palette = image.quantize(200)
    small = {bits: image.quantize(2**bits) for bits in (1, 2, 4)}
    cmyk = image.convert("CMYK")

    yield from jpegs(image, grey, cmyk)
    yield from pngs(image, grey, rgba, la, palette, small)
    yield from webps(image, rgba)
    yield from bmps(image, grey, rgba, palette)
    yield from gifs(image, grey, palette)
    yield from tiffs(image, grey, rgba, la, palette, cmyk)


def jpegs(image, grey, cmyk):
    for name, subsampling in (("444", 0), ("422", 1), ("420", 2)):
        yield f"rgb-{name}.jpg", encoded(image, "JPEG", subsampling=subsampling, quality=85)
    for size in ((1, 1), (7, 5), (8, 8), (17, 33), (640, 1)):
        yield f"size-{size[0]}x{size[1]}.jpg", encoded(photo(*size), "JPEG", quality=70)
    yield "progressive.jpg", encoded(image, "JPEG", progressive=True, quality=60)
    yield "optimized.jpg", encoded(image, "JPEG", optimize=True)
    yield "restart.jpg", encoded(image, "JPEG", restart_marker_blocks=3)
    yield "kept-rgb.jpg", encoded(image, "JPEG", keep_rgb=True)
    yield "grey.jpg", encoded(grey, "JPEG")
    yield "grey-progressive.jpg", encoded(grey, "JPEG", progressive=True)
    yield "cmyk.jpg", encoded(cmyk, "JPEG")
    yield "ycck.jpg", cmyk_as_ycck(encoded(cmyk, "JPEG", subsampling=0))
    yield "garbage-behind.jpg", encoded(image, "JPEG") + b"not a picture" * 9
    # A flipped bit in the scan: decoders warn and go on.
    flipped = bytearray(encoded(image, "JPEG"))
    flipped[-300] ^= 0x40
    yield "flipped-bit.jpg", bytes(flipped)
    for tag in range(1, 9):
        yield f"exif-{tag}.jpg", encoded(image, "JPEG", exif=exif(tag))


def pngs(image, grey, rgba, la, palette, small):
    yield "rgb.png", encoded(image, "PNG")
    yield "rgba.png", encoded(rgba, "PNG")
    yield "grey.png", encoded(grey, "PNG")
    yield "grey-alpha.png", encoded(la, "PNG")
    yield "one-bit.png", encoded(grey.convert("1"), "PNG")
    yield "palette.png", encoded(palette, "PNG")
    yield "palette-transparent.png", encoded(palette, "PNG", transparency=3)
    yield "palette-alphas.png", encoded(palette, "PNG", transparency=bytes(range(0, 200)))
    for bits, picture in small.items():
        yield f"palette-{bits}bit.png", encoded(picture, "PNG", bits=bits)
    levels = np.asarray(grey) >> 4
    packed = levels[:, 0:96:2] << 4 | levels[:, 1:97:2]
    yield "grey-4bit.png", png(96, 61, 4, 0, [row.tobytes() for row in packed])
    levels = np.asarray(grey)[:, :96] >> 6
    packed = levels[:, 0::4] << 6 | levels[:, 1::4] << 4 | levels[:, 2::4] << 2 | levels[:, 3::4]
    yield "grey-2bit.png", png(96, 61, 2, 0, [row.tobytes() for row in packed])
    yield "rgb-transparent.png", encoded(image, "PNG", transparency=(255, 0, 40))
    yield "grey-transparent.png", encoded(grey, "PNG", transparency=100)
    wide = np.random.default_rng(1).integers(0, 65536, (31, 43, 4), dtype=np.uint16)
    yield "rgb-16bit.png", png16(wide[..., :3], 2)
    yield "rgba-16bit.png", png16(wide, 6)
    yield "interlaced.png", adam7(np.asarray(image), 2)
    yield "interlaced-alpha.png", adam7(np.asarray(rgba), 6)
    gamma = png_chunk(b"gAMA", struct.pack(">I", 100000))
    yield "gamma.png", png(97, 61, 8, 2, [row.tobytes() for row in np.asarray(image)], extra=gamma)
    text = PngImagePlugin.PngInfo()
    text.add_itxt("comment", "long " * 500, zip=True)
    yield "text.png", encoded(image, "PNG", pnginfo=text)
    animated = [image, image.transpose(Image.Transpose.ROTATE_180)]
    yield "animated.png", encoded(animated[0], "PNG", save_all=True, append_images=animated[1:])
    for tag in (3, 6, 7):
        yield f"exif-{tag}.png", encoded(image, "PNG", exif=exif(tag))


def webps(image, rgba):
    yield "lossy.webp", encoded(image, "WEBP", quality=80)
    yield "lossy-low.webp", encoded(image, "WEBP", quality=5)
    yield "lossy-alpha.webp", encoded(rgba, "WEBP", quality=80)
    yield "lossless.webp", encoded(image, "WEBP", lossless=True)
    yield "lossless-alpha.webp", encoded(rgba, "WEBP", lossless=True, exact=True)
    animated = [image, image.transpose(Image.Transpose.ROTATE_180)]
    yield "animated.webp", encoded(animated[0], "WEBP", save_all=True, append_images=animated[1:], lossless=True)
    for tag in (2, 5, 8):
        yield f"exif-{tag}.webp", encoded(image, "WEBP", exif=exif(tag), lossless=True)


def bmps(image, grey, rgba, palette):
    yield "rgb.bmp", encoded(image, "BMP")
    yield "rgba.bmp", encoded(rgba, "BMP")
    yield "grey.bmp", encoded(grey, "BMP")
    yield "one-bit.bmp", encoded(grey.convert("1"), "BMP")
    yield "palette.bmp", encoded(palette, "BMP")
    yield "565.bmp", bmp565(image)
    bgr = np.asarray(image.crop((0, 0, 96, 61)))[..., ::-1]
    yield "top-down.bmp", bmp(96, 61, 24, bgr.tobytes(), top_down=True)
    colours = b"".join(bytes([i, 255 - i, i // 2, 0]) for i in range(256))
    yield "rle8.bmp", bmp_rle8(np.asarray(grey), colours)


def gifs(image, grey, palette):
    yield "palette.gif", encoded(palette, "GIF", interlace=0)
    yield "interlaced.gif", encoded(palette, "GIF", interlace=1)
    yield "grey.gif", encoded(grey, "GIF")
    yield "transparent.gif", encoded(palette, "GIF", transparency=5)
    turned = image.transpose(Image.Transpose.ROTATE_180)
    yield "animated.gif", encoded(image, "GIF", save_all=True, append_images=[turned])
    yield "small-frame.gif", gif_with_small_frame(False)
    yield "small-frame-transparent.gif", gif_with_small_frame(True)


def tiffs(image, grey, rgba, la, palette, cmyk):
    yield "rgb.tif", encoded(image, "TIFF")
    yield "grey.tif", encoded(grey, "TIFF")
    yield "one-bit.tif", encoded(grey.convert("1"), "TIFF")
    yield "group4.tif", encoded(grey.convert("1"), "TIFF", compression="group4")
    yield "palette.tif", encoded(palette, "TIFF")
    yield "rgba.tif", encoded(rgba, "TIFF")
    yield "grey-alpha.tif", encoded(la, "TIFF")
    yield "cmyk.tif", encoded(cmyk, "TIFF")
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits"):
        yield f"{compression}.tif", encoded(image, "TIFF", compression=compression)
    yield "predictor.tif", encoded(image, "TIFF", compression="tiff_lzw", tiffinfo={317: 2})
    for tag in (4, 6):
        yield f"exif-{tag}.tif", encoded(image, "TIFF", tiffinfo={ORIENTATION: tag})


def wide_greys():
    """Name, bytes and what `convert("RGB")` makes of them: 255 of all that is more."""
    greys = np.random.default_rng(2).integers(0, 65536, (31, 43), dtype=np.uint16)
    expected = np.repeat(np.minimum(greys, 255).astype(np.uint8)[..., None], 3, -1)
    yield "grey-16bit.png", png16(greys, 0), expected
    yield "grey-16bit.tif", encoded(Image.fromarray(greys), "TIFF"), expected


def broken():
    """Files that are no picture, or not all of one."""
    image = photo(97, 61)
    yield "empty.jpg", b""
    yield "text.jpg", b"hello, world\n" * 20
    yield "two-bytes.jpg", b"\xff\xd8"
    whole = {
        "jpg": encoded(image, "JPEG"),
        "png": encoded(image, "PNG"),
        "webp": encoded(image, "WEBP", lossless=True),
        "bmp": encoded(image, "BMP"),
        "gif": encoded(image, "GIF"),
        "tif": encoded(image, "TIFF", compression="tiff_lzw"),
    }
    for kind, data in whole.items():
        yield f"half.{kind}", data[: len(data) // 2]
    yield "one-byte-less.jpg", whole["jpg"][:-1]
    progressive = encoded(image, "JPEG", progressive=True)
    yield "half-progressive.jpg", progressive[: len(progressive) // 2]
    yield "huge.png", png(60000, 60000, 8, 2, [b"\0" * 10])
    yield "huge.bmp", bmp(60000, 60000, 24, b"\0" * 10)
    at = whole["jpg"].index(b"\xff\xc0")
    yield "huge.jpg", whole["jpg"][: at + 5] + b"\xff\xff\xff\xff" + whole["jpg"][at + 9 :]
    yield "large-claim.jpg", whole["jpg"][: at + 5] + b"\x23\x28\x23\x28" + whole["jpg"][at + 9 :]
