/** The page's store: the studio's state, and the page's own. */
import { getContext, setContext } from "svelte";
import type { Document, Event, Failure, Job, Settings } from "../generated/contract";
import type { Host } from "../host";
import { Draft } from "./draft.svelte";
import { placeOf, toFailure, type Place } from "./failures";
import { sampleWord } from "./samples";
import { shortcutText } from "./shortcuts";
import { reduce, toPageState, isBusy, type PageState } from "./state";

export type SettingsPage = "general" | "machine" | "keys";
export type Dialog =
  | { kind: "none" }
  | { kind: "settings"; page?: SettingsPage }
  | { kind: "sign-in"; registry: string }
  | { kind: "confirm-leave"; before: PendingLeave }
  | { kind: "python" }
  | { kind: "viewer"; id: number };

/** What was asked for while changes are unsaved or a job runs. */
export type PendingLeave =
  { what: "close-window" } | { what: "leave"; then: (host: Host) => Promise<void> };

export class Studio {
  readonly host: Host;
  readonly draft: Draft;
  state = $state.raw<PageState>() as PageState;
  dialog = $state.raw<Dialog>({ kind: "none" });
  dragging = $state(false);
  /** Failures that belong to no job and no preview, by where they are shown. */
  failures = $state.raw<Partial<Record<Place, Failure>>>({});
  /** A short message of success; empty where none is shown. */
  toast = $state("");
  /** Ended jobs whose row was hidden; their result is still shown. */
  hiddenJobs = $state.raw<ReadonlySet<number>>(new Set());

  document = $derived(this.state.document);
  preview = $derived(this.state.preview);
  samples = $derived(this.state.samples);
  question = $derived(this.state.question);
  recipe = $derived(this.state.recipe);
  settings = $derived(this.state.settings);
  busy = $derived(isBusy(this.state.preview));
  /** What a sample is called: of a model that takes tensors it is no picture. */
  sampleWord = $derived(sampleWord(this.state.document?.package ?? null));
  /** The newest publish or build that was started. */
  publishJob = $derived(
    this.state.jobs.find((job) => job.kind === "publish" || job.kind === "build") ?? null,
  );

  constructor(host: Host, view: PageState) {
    this.host = host;
    this.state = view;
    const edit: Host["edit"] = async (revision, pkg) => {
      const document = await host.edit(revision, pkg);
      this.handle({ event: "document", value: document });
      return document;
    };
    this.draft = new Draft({ edit }, view.document, (failure) => this.fail(failure));
  }

  static async start(host: Host): Promise<Studio> {
    let studio: Studio | null = null;
    const queued: Event[] = [];
    let dragging = false;
    await host.listen({
      event: (event) => (studio ? studio.handle(event) : queued.push(event)),
      state: (state) => studio?.restart(toPageState(state)),
      drag: (over) => {
        dragging = over;
        if (studio) studio.dragging = over;
      },
    });
    const view = toPageState(await host.state());
    studio = new Studio(host, view);
    studio.dragging = dragging;
    queued.forEach((event) => studio?.handle(event));
    return studio;
  }

  private restart(view: PageState): void {
    this.state = view;
    this.draft.update(view.document);
  }

  private handle(event: Event): void {
    this.state = reduce(this.state, event);
    if (event.event === "document") {
      this.draft.update(event.value);
      this.clearFailure("model");
      this.clearFailure("window");
    } else if (event.event === "failure") this.fail(event.value);
    else if (event.event === "close-requested") void this.confirmClose();
  }

  fail(thrown: unknown, where?: Place): void {
    const failure = toFailure(thrown);
    this.failures = { ...this.failures, [where ?? placeOf(failure)]: failure };
  }

  clearFailure(where: Place): void {
    if (!this.failures[where]) return;
    const { [where]: _, ...rest } = this.failures;
    this.failures = rest;
  }

  /** Runs a command, and shows the failure that it throws. */
  async run<T>(command: (host: Host) => Promise<T>, where?: Place): Promise<T | undefined> {
    try {
      return await command(this.host);
    } catch (thrown) {
      this.fail(thrown, where);
      return undefined;
    }
  }

  /** Whether leaving the package would lose edits. Guesses that were never saved don't count. */
  hasUnsavedEdits = $derived(
    this.state.document !== null && this.state.document.dirty && this.state.document.can_undo,
  );

  /** Opens another package or closes this one; asks first if edits would be lost. */
  async leave(then: (host: Host) => Promise<void>): Promise<void> {
    await this.draft.flush();
    if (this.hasUnsavedEdits)
      this.dialog = { kind: "confirm-leave", before: { what: "leave", then } };
    else await this.run(then, "model");
  }

  /** Closes the window; asks first if edits, also those being typed, or a job would be lost. */
  private async confirmClose(): Promise<void> {
    await this.draft.flush();
    const running = this.state.jobs.some((job) => job.status.status === "running");
    if (this.hasUnsavedEdits || running)
      this.dialog = { kind: "confirm-leave", before: { what: "close-window" } };
    else await this.run((host) => host.closeWindow(), "window");
  }

  /** Sends pending edits, then runs a command that returns the changed document. */
  async change(command: "undo" | "redo" | "save" | "revert"): Promise<boolean> {
    const changed = await this.changed((host) => host[command]());
    if (changed && command === "undo")
      this.notify(`Undone · ${shortcutText("redo")} brings it back`);
    return changed;
  }

  /** Makes the package one of a preset. */
  async applyPreset(name: string): Promise<void> {
    await this.changed((host) => host.applyPreset(name), "model");
  }

  /** Makes the package that of an answer: one step, after whose undo it is asked again. */
  async answerQuestion(answer: number): Promise<void> {
    const told = await this.changed((host) => host.answerQuestion(answer), "model");
    if (told) this.notify(`Done · ${shortcutText("undo")} asks again`);
  }

  async dismissQuestion(): Promise<void> {
    await this.run((host) => host.dismissQuestion(), "model");
  }

  private async changed(
    command: (host: Host) => Promise<Document>,
    where?: Place,
  ): Promise<boolean> {
    await this.draft.flush();
    const document = await this.run(command, where);
    if (document) this.handle({ event: "document", value: document });
    return document !== undefined;
  }

  async changeSettings(settings: Partial<Settings>): Promise<void> {
    const next = { ...this.state.settings, ...settings };
    this.state = { ...this.state, settings: next };
    await this.run((host) => host.setSettings(next));
  }

  async copy(text: string, what: string): Promise<boolean> {
    const failed = await this.run(async (host) => {
      await host.copyText(text);
      return true;
    }, "window");
    if (failed) this.notify(`${what} copied`);
    return failed === true;
  }

  /** Starts an ended job again; the new job replaces it. */
  async retry(job: Job): Promise<void> {
    const id = await this.run((host) => host.retryJob(job.id), "publish");
    if (id !== undefined && id !== job.id) this.removeJob(job);
  }

  private removeJob(job: Job): void {
    this.state = { ...this.state, jobs: this.state.jobs.filter((one) => one.id !== job.id) };
  }

  async dismiss(job: Job): Promise<void> {
    this.removeJob(job);
    await this.run((host) => host.dismissJob(job.id));
  }

  hideJob(job: Job): void {
    this.hiddenJobs = new Set([...this.hiddenJobs, job.id]);
  }

  notify(text: string): void {
    this.toast = text;
  }

  closeDialog(): void {
    this.dialog = { kind: "none" };
  }
}

const key = Symbol("studio");

export function setStudio(studio: Studio): void {
  setContext(key, studio);
}

export function getStudio(): Studio {
  return getContext<Studio>(key);
}
