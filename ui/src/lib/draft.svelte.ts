/** The edited package: shown at once, and sent after a debounce. */
import type { Document, Package } from "../generated/contract";
import type { Host } from "../host";

/** Long enough to collect the digits of a number, short enough to feel immediate. */
const debounceMs = 150;

export class Draft {
  private readonly host: Pick<Host, "edit">;
  private readonly failed: (failure: unknown) => void;
  /** What the forms show. */
  pkg = $state.raw<Package | null>(null);
  private revision = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private unsent = false;
  private sending: Promise<void> | undefined;
  private document: Document | null = null;

  constructor(
    host: Pick<Host, "edit">,
    document: Document | null,
    failed: (failure: unknown) => void,
  ) {
    this.host = host;
    this.failed = failed;
    this.update(document);
  }

  /** Takes over a document from the studio; unsent edits of the same document stay. */
  update(document: Document | null): void {
    const before = this.document;
    const same =
      before !== null &&
      document !== null &&
      before.folder === document.folder &&
      before.model.file === document.model.file;
    const typing = this.unsent || this.sending !== undefined;
    if (same && typing) {
      if (document.revision >= before.revision) this.adopt(document);
      return;
    }
    clearTimeout(this.timer);
    this.unsent = false;
    this.adopt(document);
    this.pkg = document?.package ?? null;
  }

  private adopt(document: Document | null): void {
    this.document = document;
    this.revision = document?.revision ?? 0;
  }

  /** Changes a copy of the package and sends it soon. */
  edit(change: (pkg: Package) => void): void {
    if (!this.pkg) return;
    const next = structuredClone(this.pkg);
    change(next);
    this.pkg = next;
    this.unsent = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.flush(), debounceMs);
  }

  /** Sends unsent edits, one request at a time. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    await this.sending;
    if (!this.unsent || !this.pkg) return;
    this.unsent = false;
    this.sending = this.send(this.pkg);
    await this.sending;
  }

  private async send(pkg: Package): Promise<void> {
    try {
      const document = await this.host.edit(this.revision, pkg);
      this.adopt(document);
      if (!this.unsent) this.pkg = document.package;
    } catch (failure) {
      this.failed(failure);
      if (!this.unsent) this.pkg = this.document?.package ?? null;
    } finally {
      this.sending = undefined;
    }
  }
}
