/** Resolves once fonts and pictures are there and two more frames have been drawn: what was set before is then on the screen. */
export async function painted(): Promise<void> {
  await frames();
  await document.fonts.ready;
  // A picture that can't be decoded is not waited for.
  await Promise.allSettled(Array.from(document.images, (image) => image.decode()));
  await frames();
}

function frames(): Promise<void> {
  return new Promise((resolve) =>
    requestAnimationFrame(() => requestAnimationFrame(() => resolve())),
  );
}
