/** Pixels as something that a canvas draws at another size. WebKitGTK may lack OffscreenCanvas. */
export function surface(pixels: ImageData): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = pixels.width;
  canvas.height = pixels.height;
  canvas.getContext("2d")?.putImageData(pixels, 0, 0);
  return canvas;
}
