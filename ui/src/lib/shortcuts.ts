/** The keyboard shortcuts, for the listener, the tooltips and the settings dialog. */

export type Command =
  "undo" | "redo" | "save" | "open" | "add" | "publish" | "settings" | "preview" | "keys";

interface Shortcut {
  command: Command;
  key: string;
  shift: boolean;
  what: string;
}

export const shortcuts: readonly Shortcut[] = [
  { command: "open", key: "o", shift: false, what: "Open a model or package" },
  { command: "add", key: "o", shift: true, what: "Add pictures" },
  { command: "save", key: "s", shift: false, what: "Save the package" },
  { command: "undo", key: "z", shift: false, what: "Undo" },
  { command: "redo", key: "z", shift: true, what: "Redo" },
  { command: "preview", key: "r", shift: false, what: "Predict again" },
  { command: "publish", key: "enter", shift: false, what: "Publish" },
  { command: "settings", key: ",", shift: false, what: "Settings" },
];

/** The keys of the sample grid while it has the focus. */
export const gridShortcuts: readonly { keys: readonly string[]; what: string }[] = [
  { keys: ["←", "↑", "↓", "→"], what: "Move" },
  { keys: ["Enter"], what: "Open large" },
  { keys: ["Space"], what: "Select" },
  { keys: ["Shift", "→"], what: "Select a range" },
  { keys: keyLabels("a", false), what: "Select all" },
  { keys: ["Esc"], what: "Select none" },
  { keys: ["Delete"], what: "Remove" },
];

function isMac(): boolean {
  return typeof navigator !== "undefined" && /^Mac/.test(navigator.platform ?? "");
}

/** The keys of a shortcut, as they are labelled on the keyboard. */
function keyLabels(key: string, shift: boolean): string[] {
  const name = key === "enter" ? "Enter" : key.toUpperCase();
  return isMac()
    ? [...(shift ? ["⇧"] : []), "⌘", name]
    : ["Ctrl", ...(shift ? ["Shift"] : []), name];
}

export function shortcutKeys(command: Command): string[] {
  const one = shortcuts.find((shortcut) => shortcut.command === command);
  return one ? keyLabels(one.key, one.shift) : [];
}

/** A shortcut as text, for a tooltip. */
export function shortcutText(command: Command): string {
  return shortcutKeys(command).join(isMac() ? "" : "+");
}

type Pressed = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey">;

/** The command of a key press, with Ctrl or, on a Mac, Command. */
export function command(event: Pressed): Command | null {
  if (event.altKey) return null;
  if (!(event.ctrlKey || event.metaKey)) return event.key === "?" ? "keys" : null;
  const key = event.key.toLowerCase();
  if (key === "y" && !event.shiftKey) return "redo";
  return shortcuts.find((one) => one.key === key && one.shift === event.shiftKey)?.command ?? null;
}
