/** A multiple selection, as in file managers: click, Ctrl, Shift, Space, Ctrl+A. */

export interface Selection {
  ids: ReadonlySet<number>;
  /** The active descendant of the grid. */
  active: number | null;
  /** The start of a range selection. */
  anchor: number | null;
}

export const emptySelection: Selection = { ids: new Set(), active: null, anchor: null };

export function toggle(selection: Selection, id: number): Selection {
  const ids = new Set(selection.ids);
  if (!ids.delete(id)) ids.add(id);
  return { ids, active: id, anchor: id };
}

/** Selects from the anchor to `id`, in the order shown. */
export function extendTo(selection: Selection, order: readonly number[], id: number): Selection {
  const from = order.indexOf(selection.anchor ?? selection.active ?? id);
  const to = order.indexOf(id);
  if (from < 0 || to < 0) return toggle(selection, id);
  return {
    ids: new Set(order.slice(Math.min(from, to), Math.max(from, to) + 1)),
    active: id,
    anchor: order[from] ?? id,
  };
}

export function selectAll(order: readonly number[], selection: Selection): Selection {
  return { ...selection, ids: new Set(order) };
}

/** Removes samples that are no longer shown. */
export function retain(selection: Selection, order: readonly number[]): Selection {
  if (selection.ids.size === 0 && selection.active === null) return selection;
  const there = new Set(order);
  const ids = new Set([...selection.ids].filter((id) => there.has(id)));
  const active = selection.active !== null && there.has(selection.active) ? selection.active : null;
  const same = ids.size === selection.ids.size && active === selection.active;
  return same ? selection : { ids, active, anchor: active };
}
