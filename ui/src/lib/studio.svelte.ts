/** The page's one store: what the studio said, and what the page chose to look at. */
import { getContext, setContext } from "svelte";
import type { Event, Failure, Job, Settings } from "../generated/contract";
import type { Host } from "../host";
import { Draft } from "./draft.svelte";
import { place, toFailure, type Place } from "./failures";
import { label } from "./keys";
import { apply, fromState, isBusy, type View } from "./view";

export type SettingsPage = "general" | "machine" | "keys";
export type Dialog =
  | { kind: "none" }
  | { kind: "settings"; page?: SettingsPage }
  | { kind: "sign-in"; registry: string }
  | { kind: "leaving"; before: Leaving }
  | { kind: "viewer"; id: number };

/** What is about to happen while changes are unsaved or a job runs. */
export type Leaving =
  { what: "close-window" } | { what: "leave"; then: (host: Host) => Promise<void> };

export class Studio {
  readonly host: Host;
  readonly draft: Draft;
  view = $state.raw<View>() as View;
  dialog = $state.raw<Dialog>({ kind: "none" });
  dragging = $state(false);
  /** Failures that belong to no job and no preview, by where they sit. */
  failures = $state.raw<Partial<Record<Place, Failure>>>({});
  /** A short word of success, said once. */
  said = $state("");
  /** Ended jobs whose row below was put away; their result stays where it is. */
  tucked = $state.raw<ReadonlySet<number>>(new Set());

  document = $derived(this.view.document);
  preview = $derived(this.view.preview);
  samples = $derived(this.view.samples);
  settings = $derived(this.view.settings);
  busy = $derived(isBusy(this.view.preview));
  /** The newest publish or build that was started. */
  shipping = $derived(
    this.view.jobs.find((job) => job.kind === "publish" || job.kind === "build") ?? null,
  );

  constructor(host: Host, view: View) {
    this.host = host;
    this.view = view;
    const edit: Host["edit"] = async (revision, pkg) => {
      const document = await host.edit(revision, pkg);
      this.hear({ event: "document", value: document });
      return document;
    };
    this.draft = new Draft({ edit }, view.document, (failure) => this.fail(failure));
  }

  static async start(host: Host): Promise<Studio> {
    let studio: Studio | null = null;
    const early: Event[] = [];
    let dragging = false;
    await host.listen({
      event: (event) => (studio ? studio.hear(event) : early.push(event)),
      state: (state) => studio?.restart(fromState(state)),
      drag: (over) => {
        dragging = over;
        if (studio) studio.dragging = over;
      },
    });
    const view = fromState(await host.state());
    studio = new Studio(host, view);
    studio.dragging = dragging;
    early.forEach((event) => studio?.hear(event));
    return studio;
  }

  private restart(view: View): void {
    this.view = view;
    this.draft.heard(view.document);
  }

  private hear(event: Event): void {
    this.view = apply(this.view, event);
    if (event.event === "document") {
      this.draft.heard(event.value);
      this.clear("model");
      this.clear("window");
    } else if (event.event === "failure") this.fail(event.value);
    else if (event.event === "close-requested") void this.leaving();
  }

  fail(thrown: unknown, where?: Place): void {
    const failure = toFailure(thrown);
    this.failures = { ...this.failures, [where ?? place(failure)]: failure };
  }

  clear(where: Place): void {
    if (!this.failures[where]) return;
    const { [where]: _, ...rest } = this.failures;
    this.failures = rest;
  }

  /** Runs a command; what it throws is shown where it belongs. */
  async run<T>(command: (host: Host) => Promise<T>, where?: Place): Promise<T | undefined> {
    try {
      return await command(this.host);
    } catch (thrown) {
      this.fail(thrown, where);
      return undefined;
    }
  }

  /** Whether leaving the package would lose edits; a mere guess that was never saved loses nothing. */
  edited = $derived(
    this.view.document !== null && this.view.document.dirty && this.view.document.can_undo,
  );

  /** Opens another package or closes this one, asking first where edits would be lost. */
  async leave(then: (host: Host) => Promise<void>): Promise<void> {
    await this.draft.flush();
    if (this.edited) this.dialog = { kind: "leaving", before: { what: "leave", then } };
    else await this.run(then, "model");
  }

  /** Closes the window, asking first where edits or a job would be lost; what is being typed counts as an edit. */
  private async leaving(): Promise<void> {
    await this.draft.flush();
    const running = this.view.jobs.some((job) => job.status.status === "running");
    if (this.edited || running) this.dialog = { kind: "leaving", before: { what: "close-window" } };
    else await this.run((host) => host.closeWindow(), "window");
  }

  /** Runs a command that answers with a changed document, after every edit has been sent. */
  async change(command: "undo" | "redo" | "save" | "revert"): Promise<boolean> {
    await this.draft.flush();
    const document = await this.run((host) => host[command]());
    if (document) this.hear({ event: "document", value: document });
    if (document && command === "undo") this.say(`Undone · ${label("redo")} brings it back`);
    return document !== undefined;
  }

  async set(settings: Partial<Settings>): Promise<void> {
    const next = { ...this.view.settings, ...settings };
    this.view = { ...this.view, settings: next };
    await this.run((host) => host.setSettings(next));
  }

  async copy(text: string, what: string): Promise<boolean> {
    const failed = await this.run(async (host) => {
      await host.copyText(text);
      return true;
    }, "window");
    if (failed) this.say(`${what} copied`);
    return failed === true;
  }

  /** Starts an ended job again; the new one takes its place. */
  async retry(job: Job): Promise<void> {
    const id = await this.run((host) => host.retryJob(job.id), "ship");
    if (id !== undefined && id !== job.id) this.forget(job);
  }

  private forget(job: Job): void {
    this.view = { ...this.view, jobs: this.view.jobs.filter((one) => one.id !== job.id) };
  }

  async dismiss(job: Job): Promise<void> {
    this.forget(job);
    await this.run((host) => host.dismissJob(job.id));
  }

  tuck(job: Job): void {
    this.tucked = new Set([...this.tucked, job.id]);
  }

  say(text: string): void {
    this.said = text;
  }

  close(): void {
    this.dialog = { kind: "none" };
  }
}

const key = Symbol("studio");

export function provide(studio: Studio): void {
  setContext(key, studio);
}

export function studio(): Studio {
  return getContext<Studio>(key);
}
