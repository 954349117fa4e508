/** What is behind the foreground of a matte; `mask` is the matte itself. */
export type Ground = "checks" | "grey" | "mask";

/** How a result is looked at in the viewer: what its picture and its rows have in common. */
export class Look {
  /** The place of the result's part under the pointer or the focus: a box, by its order. */
  hovered = $state<number | null>(null);
  /** Whether `hovered` was found on the picture, so that the list scrolls to it. */
  onPicture = $state(false);
  /** Classes that are not shown, by index. */
  hidden = $state.raw<ReadonlySet<number>>(new Set());
  /** Of masks over the picture, 0 to 1. */
  opacity = $state(0.55);
  ground = $state<Ground>("checks");

  hover(place: number | null, onPicture = false): void {
    this.hovered = place;
    this.onPicture = onPicture;
  }

  toggle(index: number): void {
    const next = new Set(this.hidden);
    if (!next.delete(index)) next.add(index);
    this.hidden = next;
  }

  /** Shows one class alone, or all again. */
  only(index: number, all: readonly number[]): void {
    const others = all.filter((one) => one !== index);
    const alone = !this.hidden.has(index) && others.every((one) => this.hidden.has(one));
    this.hidden = new Set(alone ? [] : others);
  }
}
