/** The fields of the package file as problems, guesses and controls name them. */

/** `input.0.width` and `input[0].width` are the page's `input.width`: it edits one picture input. */
export function plainField(path: string): string {
  return path.replace(/\[\d+\]|\.\d+(?=\.|$)/g, "");
}

/** Whether `path` is `field` or lies within it. */
export function within(path: string, field: string): boolean {
  const plain = plainField(path);
  return plain === field || plain.startsWith(`${field}.`);
}

/** Brings the control of a package field into sight and focuses it. */
export function focusField(path: string): void {
  const holder = document.getElementById(`field-${plainField(path)}`);
  if (!holder) return;
  const control = holder.matches("input, select, textarea, button")
    ? holder
    : holder.querySelector<HTMLElement>("input:checked, input, select, textarea, button");
  control?.scrollIntoView({ block: "nearest", behavior: "smooth" });
  control?.focus();
}
