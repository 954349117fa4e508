/** The desktop shell: its commands are those of `src-tauri`. */
import { convertFileSrc, invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import type { Event, State } from "../generated/contract";
import type { Host } from "./host";

const pictures = (path: string) => convertFileSrc("", "boxwright") + path;

export const host: Host = {
  state: () => invoke("state"),
  pick: (what) => invoke("pick", { what }),
  openRecent: (id) => invoke("open_recent", { id }),
  openSample: () => invoke("open_sample"),
  closeDocument: () => invoke("close_document"),
  edit: (revision, pkg) => invoke("edit", { revision, package: pkg }),
  undo: () => invoke("undo"),
  redo: () => invoke("redo"),
  save: () => invoke("save"),
  revert: () => invoke("revert"),
  applyPreset: (name) => invoke("apply_preset", { name }),
  python: () => invoke("python"),
  preview: () => invoke("preview"),
  cancelPreview: () => invoke("cancel_preview"),
  setInView: (ids) => invoke("set_in_view", { ids }),
  removeSamples: (ids) => invoke("remove_samples", { ids }),
  clearSamples: () => invoke("clear_samples"),
  answerQuestion: (answer) => invoke("answer_question", { answer }),
  dismissQuestion: () => invoke("dismiss_question"),
  removeRecipeFile: (place) => invoke("remove_recipe_file", { place }),
  chooseForRecipe: (choice) => invoke("choose_for_recipe", { choice }),
  searchRecipe: () => invoke("search_recipe"),
  cancelRecipe: () => invoke("cancel_recipe"),
  closeRecipe: (id) => invoke("close_recipe", { id }),
  useRecipe: (same) => invoke("use_recipe", { same }),
  makeExample: () => invoke("make_example"),
  export: (format) => invoke("export", { format }),
  signIn: (request) => invoke("sign_in", { request }),
  signOut: (registry) => invoke("sign_out", { registry }),
  keychainAvailable: () => invoke("keychain_available"),
  publish: (request) => invoke("publish", { request }),
  dockerRun: (image) => invoke("docker_run", { image }),
  cancelJob: (id) => invoke("cancel_job", { id }),
  retryJob: (id) => invoke("retry_job", { id }),
  dismissJob: (id) => invoke("dismiss_job", { id }),
  setSettings: (settings) => invoke("set_settings", { settings }),
  doctor: () => invoke("doctor"),
  closeWindow: () => invoke("close_window"),
  copyText: (text) => invoke("copy_text", { text }),
  async listen(to) {
    await Promise.all([
      listen<Event>("studio", (message) => to.event(message.payload)),
      listen<State>("state", (message) => to.state(message.payload)),
      listen<{ over: boolean }>("drag", (message) => to.drag(message.payload.over)),
    ]);
  },
  thumbnail: (id, version) => pictures(`thumb/${id}/${version}`),
  large: (id) => pictures(`large/${id}`),
  heatMap: (id, run) => pictures(`heat/${id}/${run}`),
  settled: () => invoke("preview_painted"),
};
