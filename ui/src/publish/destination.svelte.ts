/** Where the image is published: the remembered settings, and unsaved input over them. */
import type { PublishTo } from "../generated/contract";
import { namespaceOf, reference, referenceProblem, repository } from "../lib/reference";
import type { Studio } from "../lib/studio.svelte";

export class Destination {
  private readonly app: Studio;
  /** The choice made in this window; the settings remember only a registry. */
  private chosen = $state<"registry" | "archive" | null>(null);
  private typed = $state<string | null>(null);

  constructor(app: Studio) {
    this.app = app;
  }

  registry = $derived.by(
    () =>
      this.app.settings.registry ||
      (this.chosen === "registry" ? (this.app.state.accounts[0]?.registry ?? "") : ""),
  );
  kind = $derived.by<"registry" | "archive">(
    () => this.chosen ?? (this.app.settings.registry ? "registry" : "archive"),
  );
  private name = $derived.by(() => this.app.draft.pkg?.package.name ?? "");
  repository = $derived.by(() => this.typed ?? repository(this.app.settings.namespace, this.name));
  tag = $derived.by(() => this.app.draft.pkg?.package.version ?? "");
  reference = $derived.by(() => reference(this.registry, this.repository, this.tag));
  problem = $derived.by(() =>
    this.kind === "registry" && this.app.draft.pkg
      ? referenceProblem(this.repository, this.tag)
      : null,
  );

  choose(kind: "registry" | "archive"): void {
    this.chosen = kind;
  }

  useRegistry(registry: string): void {
    this.chosen = "registry";
    void this.app.changeSettings({ registry });
  }

  rename(repository: string): void {
    this.typed = repository;
  }

  /**
   * Saves the destination in the settings. A repository that ends in the package's name follows
   * the name from then on.
   */
  remember(): void {
    if (this.kind === "archive") return;
    const namespace = namespaceOf(this.repository);
    if (repository(namespace, this.name) === this.repository) this.typed = null;
    if (namespace !== this.app.settings.namespace || this.registry !== this.app.settings.registry)
      void this.app.changeSettings({ namespace, registry: this.registry });
  }

  request(): PublishTo {
    return this.kind === "archive"
      ? { to: "archive" }
      : { to: "registry", reference: this.reference };
  }
}
