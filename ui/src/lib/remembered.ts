/** What this window remembers of its looks, such as what is unfolded. */

/** What was remembered under a name; `null` where nothing was, or nothing can be. */
export function recall(name: string): string | null {
  try {
    return localStorage.getItem(`boxwright.${name}`);
  } catch {
    return null;
  }
}

export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(`boxwright.${name}`, value);
  } catch {
    // Without a place to keep it, the next window starts as the first did.
  }
}
