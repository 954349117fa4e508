import { describe, expect, test } from "vitest";
import { command } from "./shortcuts";

describe("shortcuts", () => {
  const press = (key: string, over: Partial<KeyboardEvent> = {}) =>
    command({ key, ctrlKey: true, metaKey: false, shiftKey: false, altKey: false, ...over });

  test("are those of the table, with Ctrl or Command", () => {
    expect(press("z")).toBe("undo");
    expect(press("Z", { shiftKey: true })).toBe("redo");
    expect(press("y")).toBe("redo");
    expect(press("s", { ctrlKey: false, metaKey: true })).toBe("save");
    expect(press("O", { shiftKey: true })).toBe("add");
    expect(press("Enter")).toBe("publish");
    expect(press(",")).toBe("settings");
  });

  test("are nothing else", () => {
    expect(press("s", { ctrlKey: false })).toBeNull();
    expect(press("s", { altKey: true })).toBeNull();
    expect(press("q")).toBeNull();
  });
});
