/** What a task has to say about its results; each file beside this one is a task. */
import type { Snippet } from "svelte";
import type { Document, Outcome, Postprocess } from "../generated/contract";
import type { Studio } from "../lib/studio.svelte";

/** What the results of a preview have in common. */
export interface ResultContext {
  postprocess: Postprocess | null;
  /** The first outcome with a result, so that all results are formatted alike. */
  first: Outcome | null;
}

/** What the fields of a task are made from. */
export interface FieldsContext {
  app: Studio;
  document: Document;
  postprocess: Postprocess;
  edit: (change: (postprocess: Postprocess) => void) => void;
}

export interface TaskView {
  /** The option in the form, and its tooltip. */
  label: string;
  title: string;
  /** Whether the outcome is a result of this task. */
  isResult: (outcome: Outcome) => boolean;
  /** How sure the model is of a result, from 0 to 1, to sort and filter by. */
  confidence?: (outcome: Outcome) => number | null;
  /** The summary on a card, of at most `linesPerCard` lines. */
  card: Snippet<[Outcome, ResultContext]>;
  /** The whole result, in the viewer. */
  details: Snippet<[Outcome, ResultContext]>;
  /** SVG elements over the picture, in units of its pixels. */
  overlay?: Snippet<[Outcome, ResultContext]>;
  /** The result as plain text, for the clipboard. */
  text: (outcome: Outcome, context: ResultContext) => string;
  /** The fields of `[postprocess]` that the task uses. */
  fields: Snippet<[FieldsContext]>;
}
