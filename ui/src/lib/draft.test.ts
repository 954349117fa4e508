import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Document, Package } from "../generated/contract";
import { document } from "../host/fake/fixtures";
import { Draft } from "./draft.svelte";

const named = (name: string, revision: number): Document => {
  const made = document();
  return {
    ...made,
    revision,
    package: { ...made.package, package: { ...made.package.package, name } },
  };
};

function setting() {
  const sent: { revision: number; name: string }[] = [];
  const failures: unknown[] = [];
  let revision = 1;
  const edit = vi.fn(async (from: number, pkg: Package) => {
    sent.push({ revision: from, name: pkg.package.name });
    revision += 1;
    return named(pkg.package.name, revision);
  });
  return {
    sent,
    failures,
    edit,
    draft: new Draft({ edit }, named("a", 1), (failure) => failures.push(failure)),
  };
}

const rename = (draft: Draft, name: string) => draft.edit((pkg) => (pkg.package.name = name));

describe("typing", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test("is shown at once and sent once, when it pauses", async () => {
    const { sent, draft } = setting();
    for (const name of ["ab", "abc", "abcd"]) rename(draft, name);
    expect(draft.pkg?.package.name).toBe("abcd");
    expect(sent).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    expect(sent).toEqual([{ revision: 1, name: "abcd" }]);
  });

  test("goes on from the newest revision", async () => {
    const { sent, draft } = setting();
    rename(draft, "ab");
    await draft.flush();
    rename(draft, "abc");
    await draft.flush();
    expect(sent.map((one) => one.revision)).toEqual([1, 2]);
  });

  test("stays while the studio's answer to an older edit arrives", async () => {
    const { draft } = setting();
    rename(draft, "ab");
    const sending = draft.flush();
    rename(draft, "abc");
    draft.update(named("ab", 2));
    await sending;
    expect(draft.pkg?.package.name).toBe("abc");
    await draft.flush();
    expect(draft.pkg?.package.name).toBe("abc");
  });

  test("is forgotten when another document is opened", async () => {
    const { sent, draft } = setting();
    rename(draft, "ab");
    draft.update({ ...named("other", 1), folder: "elsewhere" });
    await vi.advanceTimersByTimeAsync(500);
    expect(draft.pkg?.package.name).toBe("other");
    expect(sent).toEqual([]);
  });

  test("that is refused is taken back and told", async () => {
    const { draft, failures, edit } = setting();
    edit.mockRejectedValueOnce({ code: "Internal", message: "no" });
    rename(draft, "ab");
    await draft.flush();
    expect(failures).toHaveLength(1);
    expect(draft.pkg?.package.name).toBe("a");
  });
});
