/** The window's shortcuts: one table, used by the listener, the tooltips and the settings dialog. */

export type Command = "undo" | "redo" | "save" | "open" | "add" | "publish" | "settings" | "preview";

interface Shortcut {
  command: Command;
  key: string;
  shift: boolean;
  /** As shown. */
  text: string;
  what: string;
}

export const shortcuts: readonly Shortcut[] = [
  { command: "open", key: "o", shift: false, text: "Ctrl+O", what: "Open a model or package" },
  { command: "add", key: "o", shift: true, text: "Ctrl+Shift+O", what: "Add pictures" },
  { command: "save", key: "s", shift: false, text: "Ctrl+S", what: "Save the package" },
  { command: "undo", key: "z", shift: false, text: "Ctrl+Z", what: "Undo" },
  { command: "redo", key: "z", shift: true, text: "Ctrl+Shift+Z", what: "Redo" },
  { command: "preview", key: "r", shift: false, text: "Ctrl+R", what: "Predict again" },
  { command: "publish", key: "enter", shift: false, text: "Ctrl+Enter", what: "Publish" },
  { command: "settings", key: ",", shift: false, text: "Ctrl+,", what: "Settings" },
];

export function label(command: Command): string {
  return shortcuts.find((one) => one.command === command)?.text ?? "";
}

type Pressed = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey">;

/** The command of a pressed key; Command takes Ctrl's place on a Mac. */
export function command(event: Pressed): Command | null {
  if (event.altKey || !(event.ctrlKey || event.metaKey)) return null;
  const key = event.key.toLowerCase();
  if (key === "y" && !event.shiftKey) return "redo";
  return shortcuts.find((one) => one.key === key && one.shift === event.shiftKey)?.command ?? null;
}
