/** The package while it is typed: shown at once, sent when the typing pauses. */
import type { Document, Package } from "../generated/contract";
import type { Host } from "../host";

/** Long enough to gather the digits of a number, short enough to feel immediate. */
const pause = 150;

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
    this.heard(document);
  }

  /** The studio's document changed; what is being typed into the same document stays. */
  heard(document: Document | null): void {
    const before = this.document;
    const same =
      before !== null &&
      document !== null &&
      before.folder === document.folder &&
      before.model.file === document.model.file;
    const typing = this.unsent || this.sending !== undefined;
    if (same && typing) {
      if (document.revision >= before.revision) this.take(document);
      return;
    }
    clearTimeout(this.timer);
    this.unsent = false;
    this.take(document);
    this.pkg = document?.package ?? null;
  }

  private take(document: Document | null): void {
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
    this.timer = setTimeout(() => void this.flush(), pause);
  }

  /** Sends what has been typed; one edit is under way at a time. */
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
      this.take(document);
      if (!this.unsent) this.pkg = document.package;
    } catch (failure) {
      this.failed(failure);
      if (!this.unsent) this.pkg = this.document?.package ?? null;
    } finally {
      this.sending = undefined;
    }
  }
}
