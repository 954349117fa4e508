/** Paths of fields of the package file, as problems, guesses and controls use them. */

/** `input.0.width` and `input[0].width` become `input.width`: the page edits one image input. */
export function fieldName(path: string): string {
  return path.replace(/\[\d+\]|\.\d+(?=\.|$)/g, "");
}

/** Whether `path` is `field` or lies within it. */
export function isWithin(path: string, field: string): boolean {
  const plain = fieldName(path);
  return plain === field || plain.startsWith(`${field}.`);
}

/** Scrolls to the control of a field and focuses it. */
export function focusField(path: string): void {
  const holder = document.getElementById(`field-${fieldName(path)}`);
  if (!holder) return;
  const control = holder.matches("input, select, textarea, button")
    ? holder
    : holder.querySelector<HTMLElement>("input:checked, input, select, textarea, button");
  control?.scrollIntoView({ block: "nearest", behavior: "smooth" });
  control?.focus();
}
