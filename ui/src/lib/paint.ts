/** Resolves once fonts and images are loaded and the state set before has been painted. */
export async function afterPaint(): Promise<void> {
  await frames();
  await document.fonts.ready;
  // An image that can't be decoded counts as loaded.
  await Promise.allSettled(Array.from(document.images, (image) => image.decode()));
  await frames();
}

function frames(): Promise<void> {
  return new Promise((resolve) =>
    requestAnimationFrame(() => requestAnimationFrame(() => resolve())),
  );
}
