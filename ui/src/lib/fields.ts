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

/** A problem as a sentence: one that begins with a verb needs the field's label as its subject. */
export function problemSentence(label: string, message: string): string {
  const verb = /^(is|has|must|needs|belongs|cuts|names|leaves|can't)\b/;
  return verb.test(message)
    ? `${label} ${message}`
    : message.replace(/^[a-z]/, (first) => first.toUpperCase());
}

/** Scrolls to the control of a field and focuses it. */
export function focusField(path: string): void {
  const holder = document.getElementById(`field-${fieldName(path)}`);
  if (!holder) return;
  const control = holder.matches("input, select, textarea, button")
    ? holder
    : (holder.querySelector<HTMLElement>("input:checked") ??
      holder.querySelector<HTMLElement>("input, select, textarea, button"));
  for (
    let fold = holder.closest("details");
    fold;
    fold = fold.parentElement?.closest("details") ?? null
  )
    fold.open = true;
  control?.scrollIntoView({ block: "nearest", behavior: "smooth" });
  control?.focus();
}
