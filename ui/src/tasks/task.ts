/** What a task has to say about its results; each file beside this one is a task. */
import type { Snippet } from "svelte";
import type { Document, Outcome, Postprocess } from "../generated/contract";
import type { PreviewSample } from "../lib/state";
import type { Studio } from "../lib/studio.svelte";
import type { Look } from "./parts/look.svelte";

/** What the results of a preview have in common. */
export interface ResultContext {
  postprocess: Postprocess | null;
  /** Whether the classes have names; else they are numbers. */
  named: boolean;
  /** The first outcome with a result, so that all results are formatted alike. */
  first: Outcome | null;
  /** All samples, of which a result may have neighbours. */
  samples: readonly PreviewSample[];
}

/** The name of a class, as it is shown: a number alone looks like a count. */
export function className(name: string, { named }: ResultContext): string {
  return named ? name : `class ${name}`;
}

/** What the fields of a task are made from. */
export interface FieldsContext {
  app: Studio;
  document: Document;
  postprocess: Postprocess;
  edit: (change: (postprocess: Postprocess) => void) => void;
}

/** A canvas over a picture: its context is in units of the picture's pixels. */
export interface Drawing {
  canvas: CanvasRenderingContext2D;
  /** Width and height of the picture. */
  picture: readonly [number, number];
  /** Pixels of the canvas for one of the picture. */
  scale: number;
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
  details: Snippet<[Outcome, ResultContext, Look]>;
  /**
   * Draws the result on a card's picture: one canvas a card, since cards are many. What has to be
   * decoded first is returned as a promise of what then draws.
   */
  draw?: (outcome: Outcome, postprocess: Postprocess | null) => Draw | Promise<Draw>;
  /** Elements over the picture in the viewer, whose box they fill: its width and height in pixels. */
  overlay?: Snippet<[Outcome, ResultContext, Look, readonly [number, number]]>;
  /** The result as plain text, for the clipboard. */
  text: (outcome: Outcome, context: ResultContext) => string;
  /** The fields of `[postprocess]` that the task uses. */
  fields: Snippet<[FieldsContext]>;
}

export type Draw = (drawing: Drawing) => void;
