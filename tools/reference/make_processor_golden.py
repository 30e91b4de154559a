"""What Pillow makes of small pictures of every kind, and of resizing with every filter.

Writes one JSON file: `pictures` (the encoded file, and the bytes of Image.open(...).convert("RGB")) and `resizes`
(sha256 of the resized picture; the input is made by the same formula in the test).
usage: make_processor_golden.py OUT.json      (made with Pillow 12.3)
"""
import base64, hashlib, io, json, struct, sys, zlib
import PIL
from PIL import Image

W, H = 23, 17


def noise(width, height, channels, seed=1):
    """A linear congruential generator's high bytes: the same numbers in any language."""
    out, state = bytearray(), seed
    for _ in range(width * height * channels):
        state = (state * 1664525 + 1013904223) % 2**32
        out.append(state >> 24)
    return bytes(out)


def smooth(mode="RGB"):
    image = Image.new("RGB", (W, H))
    image.putdata([(x * 11, y * 15, (x * y) % 256) for y in range(H) for x in range(W)])
    return image.convert(mode)


def saved(image, format, **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png16(colour_type, channels):
    """A 16-bit PNG; Pillow does not write all of them."""
    raw = noise(W, H, channels * 2)
    if colour_type == 0:  # low values too, since grey is clipped at 255
        raw = b"".join(bytes([raw[i] % 3, raw[i + 1]]) for i in range(0, len(raw), 2))
    rows = b"".join(b"\0" + raw[y * W * channels * 2:(y + 1) * W * channels * 2] for y in range(H))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", W, H, 16, colour_type, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def bmp(bits, compression, pixels, palette=b"", masks=b"", height=H, width=W):
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(pixels), 0, 0, len(palette) // 4, 0)
    start = 14 + len(header) + len(masks) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + header + masks + palette + pixels


def bmp_rows(bits, height=H):
    return noise(((W * bits + 31) // 32) * 4, height, 1)


colours = noise(256, 1, 4, 7)
pictures = {}
rgb = Image.frombytes("RGB", (W, H), noise(W, H, 3))
rgba = Image.frombytes("RGBA", (W, H), noise(W, H, 4))
la = Image.frombytes("LA", (W, H), noise(W, H, 2))
grey = Image.frombytes("L", (W, H), noise(W, H, 1))
palette = smooth().quantize(29)
pictures["rgb.png"] = saved(rgb, "PNG")
pictures["rgba.png"] = saved(rgba, "PNG")
pictures["la.png"] = saved(la, "PNG")
pictures["grey.png"] = saved(grey, "PNG")
pictures["bilevel.png"] = saved(grey.convert("1"), "PNG")
pictures["palette.png"] = saved(palette, "PNG")
pictures["palette4.png"] = saved(smooth().quantize(13), "PNG", bits=4)
pictures["palette-transparent.png"] = saved(palette, "PNG", transparency=3)
pictures["palette-alphas.png"] = saved(palette, "PNG", transparency=bytes(range(0, 250, 10)))
pictures["rgb-colour-key.png"] = saved(smooth(), "PNG", transparency=(11, 15, 1))
pictures["grey-colour-key.png"] = saved(smooth("L"), "PNG", transparency=40)
pictures["grey16.png"] = png16(0, 1)
pictures["rgb16.png"] = png16(2, 3)
pictures["la16.png"] = png16(4, 2)
pictures["rgba16.png"] = png16(6, 4)
pictures["rgb.tiff"] = saved(rgb, "TIFF")
pictures["rgb-lzw.tiff"] = saved(smooth(), "TIFF", compression="tiff_lzw")
pictures["rgba.tiff"] = saved(rgba, "TIFF")
pictures["grey.tiff"] = saved(grey, "TIFF")
pictures["bilevel.tiff"] = saved(grey.convert("1"), "TIFF")
pictures["palette.tiff"] = saved(palette, "TIFF")
pictures["cmyk.tiff"] = saved(Image.frombytes("CMYK", (W, H), noise(W, H, 4)), "TIFF")
pictures["grey16.tiff"] = saved(Image.frombytes("I;16", (W, H), bytes(v % 2 if i % 2 else v for i, v in enumerate(noise(W, H, 2)))), "TIFF")
pictures["rgb.webp"] = saved(rgb, "WEBP", lossless=True)
pictures["rgba.webp"] = saved(rgba, "WEBP", lossless=True, exact=True)
pictures["lossy.webp"] = saved(smooth(), "WEBP", quality=80)
pictures["rgb.jpg"] = saved(smooth(), "JPEG", quality=90)
pictures["grey.jpg"] = saved(smooth("L"), "JPEG", quality=90)
pictures["cmyk.jpg"] = saved(smooth("CMYK"), "JPEG", quality=90)
pictures["progressive.jpg"] = saved(smooth(), "JPEG", quality=80, progressive=True)
exif = Image.Exif()
exif[0x0112] = 6
pictures["turned.jpg"] = saved(smooth(), "JPEG", quality=90, exif=exif)
pictures["turned.png"] = saved(rgb, "PNG", exif=exif)
pictures["rgb.avif"] = saved(smooth(), "AVIF", quality=100, subsampling="4:4:4")
pictures["palette.gif"] = saved(palette, "GIF")
pictures["grey.gif"] = saved(grey, "GIF")
pictures["noise.gif"] = saved(Image.frombytes("P", (W, H), noise(W, H, 1)).convert("RGB").quantize(256), "GIF")
pictures["interlaced.gif"] = saved(palette, "GIF", interlace=1)
pictures["transparent.gif"] = saved(palette, "GIF", transparency=3)
frames = [smooth().quantize(8), rgb.quantize(8)]
pictures["animated.gif"] = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], loop=0)
whole = pictures["palette.gif"]
at = whole.index(b",", 13 + 3 * (2 << (whole[10] & 7)))
pictures["frame-inside.gif"] = whole[:6] + struct.pack("<HH", W + 9, H + 5) + whole[10:at + 1] + struct.pack("<HH", 4, 2) + whole[at + 5:]
pictures["frame-outside.gif"] = whole[:6] + struct.pack("<HH", 5, 5) + whole[10:at + 1] + struct.pack("<HH", 4, 2) + whole[at + 5:]
big = Image.frombytes("P", (97, 61), noise(97, 61, 1)); big.putpalette(noise(256, 1, 3, 3))
pictures["full-table.gif"] = saved(big, "GIF")
pictures["rgb.bmp"] = saved(rgb, "BMP")
pictures["grey.bmp"] = saved(grey, "BMP")
pictures["bilevel.bmp"] = saved(grey.convert("1"), "BMP")
pictures["palette.bmp"] = saved(palette, "BMP")
for bits in (1, 4, 8):
    pictures[f"palette{bits}.bmp"] = bmp(bits, 0, bmp_rows(bits), colours[:4 << bits])
pictures["short-palette.bmp"] = bmp(8, 0, bytes(v % 100 for v in bmp_rows(8)), colours[:400])
for bits in (16, 24, 32):
    pictures[f"true{bits}.bmp"] = bmp(bits, 0, bmp_rows(bits))
pictures["top-down.bmp"] = bmp(24, 0, bmp_rows(24), height=-H)
pictures["565.bmp"] = bmp(16, 3, bmp_rows(16), masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F))
pictures["555.bmp"] = bmp(16, 3, bmp_rows(16), masks=struct.pack("<III", 0x7C00, 0x3E0, 0x1F))
pictures["masks32.bmp"] = bmp(32, 3, bmp_rows(32), masks=struct.pack("<III", 0xFF000000, 0xFF0000, 0xFF00))
pictures["rle8.bmp"] = bmp(8, 1, b"".join(bytes([5, y, 0, 7, *range(y, y + 7), 0, 11, 9]) + b"\0\0" for y in range(H)) + b"\0\1", colours)
# Absolute runs of an even length: Pillow 12.3 reads odd ones wrongly (mended in 13).
pictures["rle4.bmp"] = bmp(4, 2, b"".join(bytes([5, 0x21 + y, 0, 6, 0x12, 0x34, 0x56, 0, 12, 0x9A]) + b"\0\0" for y in range(H)) + b"\0\1", colours[:64])
core = struct.pack("<IHHHH", 12, W, H, 1, 8)
pictures["os2.bmp"] = b"BM" + struct.pack("<IHHI", 0, 0, 0, 26 + 768) + core + noise(256, 1, 3, 5) + bmp_rows(8)

out = []
for name, data in pictures.items():
    try:
        image = Image.open(io.BytesIO(data)).convert("RGB")
    except Exception as error:
        print("left out:", name, repr(error)); continue
    out.append(dict(name=name, file=base64.b64encode(data).decode(), width=image.width, height=image.height, rgb=base64.b64encode(image.tobytes()).decode()))

resizes = []
sizes = [((1, 1), (5, 3)), ((7, 5), (7, 5)), ((7, 5), (1, 1)), ((64, 64), (64, 20)), ((64, 64), (20, 64)), ((37, 211), (128, 128)), ((301, 97), (128, 128)), ((640, 480), (97, 61)), ((20, 20), (333, 222)), ((1000, 3), (3, 1000))]
for source, target in sizes:
    image = Image.frombytes("RGB", source, noise(*source, 3, seed=source[0]))
    for name, resample in dict(nearest=0, lanczos=1, bilinear=2, bicubic=3).items():
        resizes.append(dict(source=source, target=target, resample=name, sha256=hashlib.sha256(image.resize(target, resample).tobytes()).hexdigest()))
json.dump(dict(pillow=PIL.__version__, pictures=out, resizes=resizes), open(sys.argv[1], "w"), indent=0)
print(len(out), "pictures", len(resizes), "resizes")
