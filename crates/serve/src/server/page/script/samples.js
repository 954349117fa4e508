// What was added: pictures, or tensors in files.

const PICTURE = /\.(jpe?g|png|webp|bmp|gif|tiff?)$/i;
const TENSOR = /\.(npy|npz|json)$/i;
const THUMBNAIL = 640;
// Decoded pictures are large: two of them at a time.
const darkroom = lanes(2);

/** A file with a name for it. In a dropped folder only what can be a sample counts. */
async function* dropped(transfer, isWanted) {
  // All entries are asked for before the first wait: they are gone after it.
  const entries = [...transfer.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  for (const entry of entries) yield* within(entry, true, isWanted);
}

async function* within(entry, chosen, isWanted) {
  if (!entry) return;
  if (entry instanceof File) {
    yield { file: entry, title: entry.name };
  } else if (entry.isFile) {
    const file = await new Promise((done, failed) => entry.file(done, failed));
    if (chosen || isWanted(file)) yield { file, title: entry.fullPath.replace(/^\//, "") };
  } else {
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((done, failed) => reader.readEntries(done, failed));
      if (some.length === 0) return;
      some.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
      for (const one of some) yield* within(one, false, isWanted);
    }
  }
}

/** The picture's size and the address of a small copy; null where the browser can't read it. */
function thumbnail(file) {
  return darkroom(async () => {
    const bitmap = await createImageBitmap(file);
    const { width, height } = bitmap;
    const scale = Math.min(1, THUMBNAIL / Math.max(width, height));
    const canvas = make("canvas");
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    const small = await new Promise((done) => canvas.toBlob(done, "image/webp", 0.85));
    return { size: [width, height], address: URL.createObjectURL(small) };
  });
}

/** What a .npy file says of itself, as `float32 [1, 3, 224, 224]`; null for another file. */
async function header(file) {
  const start = new TextDecoder("latin1").decode(await file.slice(0, 1024).arrayBuffer());
  const found = /^.NUMPY.*'descr': *'([^']+)'.*'shape': *\(([^)]*)\)/s.exec(start);
  return found && `${found[1]} [${found[2].replace(/,\s*$/, "")}]`;
}

/** {whole, overlay}: a picture, with what the prediction draws over it. */
async function frame(address, size, result, roomy) {
  const picture = make("img");
  picture.alt = "";
  picture.src = address;
  const whole = make("div", "frame", picture);
  if (!size) return { whole, overlay: null };
  whole.style.setProperty("--shape", String(size[0] / size[1]));
  // A mask that can't be read is still in the JSON.
  const overlay = await marks(result, size, roomy).catch(() => null);
  for (const mark of overlay?.elements ?? []) mark.setAttribute("aria-hidden", "true");
  whole.append(...(overlay?.elements ?? []));
  overlay?.repaint();
  return { whole, overlay };
}
