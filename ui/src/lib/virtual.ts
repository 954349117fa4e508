/** Which cards of a long grid exist in the page: only those in sight and a few rows around. */

export interface GridSize {
  /** Inner width of the scrolling area, in pixels. */
  width: number;
  /** Its height. */
  height: number;
  /** How far it is scrolled down. */
  top: number;
  count: number;
  minimum: number;
  gap: number;
  /** A card's height. */
  card: number;
  /** Rows kept above and below those in sight. */
  overscan: number;
}

export interface GridWindow {
  columns: number;
  /** A card's width. */
  width: number;
  /** Height of the whole content. */
  total: number;
  /** Index of the first card that exists. */
  first: number;
  /** Index after the last one. */
  end: number;
}

export function gridWindow(size: GridSize): GridWindow {
  const columns = Math.max(1, Math.floor((size.width + size.gap) / (size.minimum + size.gap)));
  const width = Math.max(0, (size.width - size.gap * (columns - 1)) / columns);
  const rows = Math.ceil(size.count / columns);
  const pitch = size.card + size.gap;
  const firstRow = Math.max(0, Math.floor(size.top / pitch) - size.overscan);
  const endRow = Math.min(rows, Math.ceil((size.top + size.height) / pitch) + size.overscan);
  return {
    columns,
    width,
    total: Math.max(0, rows * pitch - size.gap),
    first: Math.min(size.count, firstRow * columns),
    end: Math.min(size.count, Math.max(0, endRow) * columns),
  };
}

/** Left and top of card `index`. */
export function place(
  index: number,
  columns: number,
  width: number,
  card: number,
  gap: number,
): { x: number; y: number } {
  return { x: (index % columns) * (width + gap), y: Math.floor(index / columns) * (card + gap) };
}

/** How far to scroll so that card `index` is in sight; the current position where it already is. */
export function scrollFor(
  index: number,
  columns: number,
  card: number,
  gap: number,
  top: number,
  height: number,
): number {
  const start = Math.floor(index / columns) * (card + gap);
  if (start < top) return Math.max(0, start - gap);
  if (start + card > top + height) return start + card + gap - height;
  return top;
}

/** Where an arrow or a page key leads from `index`; `null` for other keys. */
export function step(
  key: string,
  index: number,
  columns: number,
  rowsInSight: number,
  count: number,
): number | null {
  if (count === 0) return null;
  const last = count - 1;
  const down = (by: number) =>
    index + by > last
      ? Math.floor(index / columns) === Math.floor(last / columns)
        ? index
        : last
      : index + by;
  const up = (by: number) =>
    index - by < 0 ? (index < columns ? index : index % columns) : index - by;
  switch (key) {
    case "ArrowRight":
      return Math.min(last, index + 1);
    case "ArrowLeft":
      return Math.max(0, index - 1);
    case "ArrowDown":
      return down(columns);
    case "ArrowUp":
      return up(columns);
    case "PageDown":
      return down(columns * Math.max(1, rowsInSight));
    case "PageUp":
      return up(columns * Math.max(1, rowsInSight));
    case "Home":
      return 0;
    case "End":
      return last;
    default:
      return null;
  }
}
