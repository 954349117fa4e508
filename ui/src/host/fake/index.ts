/** A fake host for the plain browser: it returns fixtures and stores nothing. */
import type {
  Document,
  Event,
  Job,
  Package,
  PublishRequest,
  Settings,
} from "../../generated/contract";
import type { Host } from "../host";
import * as fixtures from "./fixtures";
import heatMap from "./heat-map.jpg?url";
import { questionCommands } from "./question";
import { recipeCommands } from "./recipes";
import { presetOf, withPreset } from "./presets";
import { queued, scenario } from "./scenarios";

const clone = <T>(value: T): T => structuredClone(value);
const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export function fake(query: URLSearchParams): Host {
  const state = scenario(query.get("state") ?? "filled");
  const theme = query.get("theme");
  if (theme) state.settings.theme = theme;
  let emit: (event: Event) => void = () => {};
  const past: Package[] = [];
  const future: Package[] = [];
  let nextJob = 10;

  function change(pkg: Package, dirty = true): Document {
    const before = state.document ?? fixtures.document();
    state.document = {
      ...before,
      package: pkg,
      preset: presetOf(pkg),
      revision: before.revision + 1,
      dirty,
      can_undo: past.length > 0,
      can_redo: future.length > 0,
    };
    emit({ event: "document", value: state.document });
    questions.changed();
    return state.document;
  }

  function edit(pkg: Package): Document {
    if (state.document) past.push(state.document.package);
    future.length = 0;
    const document = change(clone(pkg));
    void predict();
    return document;
  }

  async function predict(): Promise<void> {
    const { samples, ...preview } = state.preview;
    preview.run += 1;
    state.preview.run = preview.run;
    const run = preview.run;
    emit({
      event: "preview",
      value: { ...preview, status: "running", failure: null, done: 0, order: null },
    });
    await wait(160);
    if (run !== state.preview.run) return;
    const fresh = samples.map((sample) => ({
      ...sample,
      thumbnail: 1,
      outcome: sample.outcome ?? fixtures.outcomeOf(fixtures.photoNames[(sample.id - 1) % 5] ?? ""),
    }));
    emit({ event: "samples", value: { run, samples: fresh } });
    emit({
      event: "preview",
      value: { ...preview, status: "done", failure: null, done: samples.length, order: null },
    });
  }

  async function push(request: PublishRequest, id: number): Promise<void> {
    const reference =
      request.to.to === "registry" ? request.to.reference : "efficientnet-lite0-0.0.1.tar";
    for (let share = 0; share <= 1; share += 0.08) {
      const job: Job = fixtures.job(id, { status: "running" }, share, reference);
      emit({ event: "job", value: job });
      await wait(120);
    }
    emit({
      event: "job",
      value: {
        ...fixtures.job(
          id,
          { status: "finished", result: fixtures.published("proven", reference) },
          1,
          reference,
        ),
        stage: "prove",
      },
    });
  }

  const recipes = recipeCommands(
    state,
    (event) => emit(event),
    ({ preprocess }) => {
      if (state.document) past.push(state.document.package);
      return change({ ...(state.document?.package ?? fixtures.pkg()), preprocess });
    },
  );

  const questions = questionCommands(state, (event) => emit(event), edit);

  return {
    state: async () => clone(state),
    ...recipes.commands,
    answerQuestion: (answer) => questions.answerQuestion(answer),
    dismissQuestion: () => questions.dismissQuestion(),
    async pick(what) {
      await wait(50);
      if (what === "recipe") await recipes.pickRecipe();
    },
    async openRecent() {},
    async openSample() {
      emit({ event: "document", value: fixtures.document() });
      const { samples, ...preview } = fixtures.state().preview;
      emit({ event: "samples", value: { run: preview.run, samples } });
      emit({ event: "preview", value: { ...preview, order: samples.map((one) => one.id) } });
    },
    async closeDocument() {
      emit({ event: "document", value: null });
    },
    edit: async (_, pkg) => edit(pkg),
    applyPreset: async (name) => edit(withPreset(state.document?.package ?? fixtures.pkg(), name)),
    async undo() {
      const before = past.pop();
      if (before && state.document) future.push(state.document.package);
      return change(before ?? fixtures.pkg());
    },
    async redo() {
      const after = future.pop();
      if (after && state.document) past.push(state.document.package);
      return change(after ?? fixtures.pkg());
    },
    save: async () => change(state.document?.package ?? fixtures.pkg(), false),
    revert: async () => change(fixtures.pkg(), false),
    async python() {
      const problem = state.document?.problems[0];
      // The shell, too, throws a plain object.
      if (problem)
        // eslint-disable-next-line @typescript-eslint/only-throw-error
        throw fixtures.failure(
          "PackageInvalid",
          `${problem.field}: ${problem.message}`,
          "Mend this field of the package, and try again.",
        );
      return fixtures.python;
    },
    preview: predict,
    async cancelPreview() {},
    async setInView() {},
    async removeSamples(ids) {
      const { samples, ...preview } = state.preview;
      state.preview.samples = samples.filter((one) => !ids.includes(one.id));
      emit({
        event: "preview",
        value: { ...preview, order: state.preview.samples.map((one) => one.id) },
      });
    },
    async clearSamples() {
      const { samples: _, ...preview } = state.preview;
      emit({ event: "preview", value: { ...preview, order: [], status: "idle" } });
    },
    export: async (format) => `predictions.${format}`,
    async makeExample() {
      await wait(50);
      const sample = { ...fixtures.sample(1, "example.npz", null), thumbnail: 0 };
      state.preview.samples = [sample];
      emit({ event: "samples", value: { run: state.preview.run, samples: [sample] } });
      const { samples: _, ...preview } = state.preview;
      emit({ event: "preview", value: { ...preview, order: [1] } });
    },
    async signIn(request) {
      await wait(400);
      // The shell, too, throws a plain object.
      if (request.password === "wrong")
        // eslint-disable-next-line @typescript-eslint/only-throw-error
        throw fixtures.failure(
          "RegistryUnauthorized",
          `${request.registry} refused the password of ${request.username}.`,
          "Check the password, or make an access token.",
        );
      // Two host names show the other outcomes of a sign-in.
      const realm = "auth.example.net";
      if (request.registry.startsWith("strange.") && request.trust_realm !== realm)
        return { outcome: "realm-untrusted", registry: request.registry, realm };
      if (request.registry.startsWith("open."))
        return { outcome: "not-asked", registry: request.registry };
      const account = {
        registry: request.registry,
        username: request.username,
        store: request.store,
      };
      state.accounts = [
        account,
        ...state.accounts.filter((one) => one.registry !== account.registry),
      ];
      emit({ event: "accounts", value: state.accounts });
      return { outcome: "signed-in", account };
    },
    async signOut(registry) {
      state.accounts = state.accounts.filter((one) => one.registry !== registry);
      emit({ event: "accounts", value: state.accounts });
    },
    keychainAvailable: async () => query.get("keychain") !== "no",
    async publish(request) {
      const id = (nextJob += 1);
      void push(request, id);
      return id;
    },
    dockerRun: async (image) => `docker run --rm -p 8080:8080 ${image.reference}`,
    async cancelJob(id) {
      emit({ event: "job", value: fixtures.job(id, { status: "cancelled" }) });
    },
    async retryJob(id) {
      emit({ event: "job", value: fixtures.job(id, { status: "running" }) });
      return id;
    },
    async dismissJob() {},
    async setSettings(settings: Settings) {
      state.settings = settings;
      emit({ event: "settings", value: settings });
    },
    async doctor() {
      await wait(80);
      return {
        version: "0.1.0",
        checks: [
          { name: "Worker", status: "works", message: "ONNX Runtime 1.30.0 on 16 cores", hint: "" },
          { name: "Runtimes", status: "works", message: "linux/amd64 and linux/arm64", hint: "" },
          {
            name: "Keychain",
            status: "works",
            message: "Secret Service (gnome-keyring)",
            hint: "",
          },
          {
            name: "Docker Engine",
            status: "absent",
            message: "nothing listens at /var/run/docker.sock",
            hint: "Not needed: images are built without it, and proven in namespaces.",
          },
          {
            name: "arm64 emulation",
            status: "absent",
            message: "no binfmt handler for aarch64",
            hint: "Install qemu-user-static and binfmt-support to prove ARM images here.",
          },
          { name: "Disk", status: "works", message: "118 GB free in the cache's folder", hint: "" },
        ],
      };
    },
    async closeWindow() {},
    copyText: async (text) => {
      await navigator.clipboard?.writeText(text).catch(() => {});
    },
    async listen({ event, drag }) {
      emit = event;
      window.addEventListener("dragover", (e) => e.preventDefault());
      window.addEventListener("dragenter", () => drag(true));
      window.addEventListener("dragleave", (e) => e.relatedTarget || drag(false));
      window.addEventListener("drop", (e) => {
        e.preventDefault();
        drag(false);
      });
      queueMicrotask(() => {
        for (const failure of queued()) event({ event: "failure", value: failure });
        if (query.has("drag")) drag(true);
        if (query.has("closing")) event({ event: "close-requested" });
      });
    },
    thumbnail: (id) => fixtures.photo(fixtures.photoNames[(id - 1) % 5] ?? "cat.jpg"),
    large: (id) => fixtures.photo(fixtures.photoNames[(id - 1) % 5] ?? "cat.jpg"),
    heatMap: () => heatMap,
    settled: async () => {
      document.documentElement.dataset["settled"] = "yes";
    },
  };
}
