/** The words and numbers of a search for a notebook's recipe. */
import type {
  Evidence,
  Recipe,
  RecipeFinding,
  RecipeSearch,
  RecipeValue,
} from "../generated/contract";
import { count, plural } from "./format";

/** Most photos of one search. */
export const maxPhotos = 5;

/** How to save what a search goes by. */
export const saveProgram = `import numpy as np

# x: what your model is given for cat.jpg
np.save("cat.npy", x)`;

export const verdictTitles = { exact: "Exact", near: "Near", none: "None" } as const;

/** A difference with at most three digits after the point, and never a bare 0 for one that is none. */
export function difference(value: number): string {
  return value !== 0 && Math.abs(value) < 0.001
    ? value.toExponential(1)
    : String(Number(value.toFixed(3)));
}

/** What the verdict means, in a sentence. */
export function verdictText(finding: RecipeFinding, evidence: Evidence): string {
  const numbers = plural(finding.compared, "number");
  const isTensors = evidence === "tensors";
  switch (finding.verdict) {
    case "exact":
      return isTensors
        ? `This recipe gives what your notebook made: ${numbers} compared, no difference but in the last digits.`
        : "With this recipe the model answers as in your notebook, but for the last digits.";
    case "near": {
      const subject = isTensors ? "The best recipe is" : "The best recipe's answers are";
      const off = `${subject} off by ${difference(finding.mean_difference)} ${finding.unit} on average, ${difference(finding.max_difference)} at most.`;
      return isTensors ? `${off} ${count(finding.differing)} of ${numbers} differ.` : off;
    }
    case "none":
      return "No recipe makes this of these photos.";
  }
}

/** `exif = false, filter = box`. */
export function valuesText(values: readonly RecipeValue[]): string {
  return values.map((one) => `${one.field} = ${one.value}`).join(", ");
}

/** The answer as text, for the clipboard. */
export function findingText(finding: RecipeFinding, evidence: Evidence): string {
  const lines = [`${verdictTitles[finding.verdict]}. ${verdictText(finding, evidence)}`];
  if (finding.in_package) lines.push("The package has it already.");
  for (const { field, was, found } of finding.changes) lines.push(`  ${field}: ${was} -> ${found}`);
  if (finding.same.length > 0) lines.push("These photos can't tell it from:");
  for (const other of finding.same) lines.push(`  ${valuesText(other)}`);
  return lines.join("\n");
}

/** What is to be said about the number of photos; `null` where it fits. */
export function photosProblem(search: RecipeSearch): string | null {
  const { rows, photos } = search;
  if (rows > maxPhotos)
    return `The files are of ${count(rows)} photos, and a search takes at most ${maxPhotos}. Save fewer, such as x[:${maxPhotos}].`;
  if (photos.length === 0) return "Choose the photos that your notebook saved this of.";
  if (rows === 0 || photos.length === rows) return null;
  return photos.length < rows
    ? `The files are of ${plural(rows, "photo")}: choose ${count(rows - photos.length)} more.`
    : `The files are of ${plural(rows, "photo")}: choose ${count(photos.length - rows)} fewer.`;
}

/** How a photo is shown so that it lies where the recipe takes it from. */
export interface Placement {
  fit: "cover" | "contain" | "fill";
  /** On top of `fit`: what is cut off around is not shown. */
  scale: number;
}

export function placement(
  recipe: Recipe | null,
  picture: readonly [number, number] | null,
): Placement {
  const { resize, size, crop } = recipe?.preprocess ?? {};
  if (resize === "stretch") return { fit: "fill", scale: 1 };
  if (resize === "letterbox" || resize === "thumbnail") return { fit: "contain", scale: 1 };
  if (!recipe?.size || !picture || !size || crop === "none") return { fit: "cover", scale: 1 };
  const [width, height] = recipe.size;
  const side = resize === "long-side" ? Math.max(...picture) : Math.min(...picture);
  const covers = Math.max(width / picture[0], height / picture[1]);
  return { fit: "cover", scale: size / side / covers };
}
