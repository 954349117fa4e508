/** What the parts of the form share. */
import { pictures, settle, type Pictures } from "../../lib/preprocess";
import type { Studio } from "../../lib/studio.svelte";

/** Changes the image input and `[preprocess]` of the draft, and clears what no longer applies. */
export type Change = (change: (at: Pictures) => void) => void;

export interface FieldsProps {
  at: Pictures;
  change: Change;
}

export function changer(app: Studio): Change {
  return (change) =>
    app.draft.edit((next) => {
      const at = pictures(next, app.document);
      if (!at) return;
      change(at);
      settle(at);
    });
}
