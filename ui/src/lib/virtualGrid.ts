/** A virtualised grid: only the visible cells and a few rows around them are rendered. */

export interface GridOptions {
  /** Width of the viewport, in pixels. */
  width: number;
  /** Height of the viewport. */
  height: number;
  /** The scroll offset. */
  top: number;
  count: number;
  minimum: number;
  gap: number;
  /** Height of a cell. */
  card: number;
  /** Rows rendered above and below the visible ones. */
  overscan: number;
}

export interface VirtualGrid {
  columns: number;
  /** Width of a cell. */
  width: number;
  /** Height of the content. */
  total: number;
  /** Index of the first rendered cell. */
  first: number;
  /** Index after the last rendered cell. */
  end: number;
}

export function virtualGrid(size: GridOptions): VirtualGrid {
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

/** The position of a cell. */
export function cellPosition(
  index: number,
  columns: number,
  width: number,
  card: number,
  gap: number,
): { x: number; y: number } {
  return { x: (index % columns) * (width + gap), y: Math.floor(index / columns) * (card + gap) };
}

/** The scroll offset at which a cell is visible; the present one if it already is. */
export function scrollOffset(
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

/** The index that an arrow or page key moves to; `null` for other keys. */
export function nextIndex(
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
