/** The search for a recipe in a plain browser: its states, and commands that play a search. */
import type {
  Document,
  Event,
  Recipe,
  RecipeFinding,
  RecipeSearch,
  State,
} from "../../generated/contract";
import type { Commands } from "../host";
import * as fixtures from "./fixtures";

type Scenario = (state: State) => void;

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

function recipe(): Recipe {
  const { preprocess } = fixtures.pkg();
  return {
    preprocess: {
      ...preprocess,
      decode: "opencv",
      resize: "stretch",
      size: null,
      filter: "opencv-linear",
      crop: "none",
      mean: [123.675, 116.28, 103.53],
      std: [58.395, 57.12, 57.375],
    },
    layout: "NCHW",
    dtype: "f32",
    size: [224, 224],
    stride: null,
  };
}

const changes = [
  { field: "crop", was: "center", found: "none" },
  { field: "decode", was: "pillow", found: "opencv" },
  { field: "filter", was: "bicubic", found: "opencv-linear" },
  { field: "mean", was: "[127.0, 127.0, 127.0]", found: "[123.675, 116.28, 103.53]" },
  { field: "resize", was: "short-side", found: "stretch" },
  { field: "size", was: "256", found: "none" },
  { field: "std", was: "[128.0, 128.0, 128.0]", found: "[58.395, 57.12, 57.375]" },
];

function finding(parts: Partial<RecipeFinding> = {}): RecipeFinding {
  return {
    verdict: "exact",
    recipe: recipe(),
    max_difference: 0.0000007,
    mean_difference: 0.0000001,
    unit: "levels of 255",
    differing: 0,
    compared: 150_528,
    changes,
    in_package: false,
    same: [],
    heat_map: false,
    elapsed_ms: 2140,
    out_of_time: false,
    ...parts,
  };
}

const near: Partial<RecipeFinding> = {
  verdict: "near",
  recipe: { ...recipe(), preprocess: { ...fixtures.pkg().preprocess, filter: "lanczos" } },
  mean_difference: 0.412,
  max_difference: 38,
  differing: 21_704,
  changes: [{ field: "filter", was: "bicubic", found: "lanczos" }],
  heat_map: true,
  elapsed_ms: 9020,
  out_of_time: true,
};

function search(parts: Partial<RecipeSearch> = {}): RecipeSearch {
  return {
    id: 1,
    run: 1,
    files: ["cat.npy"],
    evidence: "tensors",
    rows: 1,
    photos: [2],
    status: "choosing",
    started: null,
    answer: null,
    failure: null,
    ...parts,
  };
}

const found = (parts: Partial<RecipeFinding> = {}, more: Partial<RecipeSearch> = {}): Scenario =>
  shown({ status: "found", answer: finding(parts), ...more });

function shown(parts: Partial<RecipeSearch>): Scenario {
  return (state) => {
    state.recipe = search(parts);
  };
}

export const recipeScenarios: Record<string, Scenario> = {
  "recipe-empty": shown({ files: [], rows: 0, photos: [] }),
  "recipe-choosing": shown({ files: ["batch.npz"], rows: 2, photos: [2, 4] }),
  "recipe-too-few": shown({ files: ["batch.npy", "more.npy"], rows: 3, photos: [1, 2] }),
  "recipe-many": (state) => {
    state.preview.samples = fixtures.samples(500);
    state.preview.done = 500;
    state.recipe = search({ files: ["holiday.npy"], rows: 5, photos: [7, 2, 4, 5, 1] });
  },
  "recipe-no-photos": (state) => {
    state.preview = { ...state.preview, samples: [], done: 0, status: "idle", timing: null };
    state.recipe = search({ photos: [] });
  },
  "recipe-searching": (state) => {
    const started = new Date(Date.now() - 3400).toISOString();
    state.recipe = search({ status: "searching", started });
  },
  "recipe-exact": found(),
  "recipe-same": found({
    same: [
      [{ field: "exif", value: "false" }],
      [{ field: "decode", value: "opencv-unchanged" }],
      [
        { field: "exif", value: "false" },
        { field: "filter", value: "opencv-linear-exact" },
        { field: "mean", value: "[123.675]" },
      ],
    ],
  }),
  "recipe-there": found({ changes: [], in_package: true }),
  "recipe-near": found(near),
  "recipe-answers": found(
    {
      verdict: "near",
      unit: "of the largest score",
      mean_difference: 0.0031,
      max_difference: 0.041,
      differing: 12,
      compared: 15,
      changes: changes.slice(2, 4),
    },
    { evidence: "answers", files: ["classes.json"], rows: 3, photos: [1, 2, 5] },
  ),
  "recipe-none": found({
    verdict: "none",
    recipe: null,
    max_difference: 255,
    mean_difference: 61.2,
    differing: 150_000,
    changes: [],
  }),
  "recipe-failed": shown({
    status: "failed",
    files: ["weights.npy"],
    rows: 0,
    failure: fixtures.failure(
      "SampleUnreadable",
      "weights.npy can't be read: The .npy file can't be read: its shape is [3, 224, 224], which 1204 bytes of data don't fill; it may be cut off",
      "Save the tensor of each photo with numpy.save, or the model's scores as CSV or JSON.",
    ),
  }),
  "recipe-hostile": (state) => {
    state.preview.samples = fixtures.samples(5, true);
    const long = "a-very-long-name-from-an-experiment-of-2026-11-28-".repeat(3);
    state.recipe = search({
      files: [`<img src=x>${long}.npy`, `${long}2.npy`],
      rows: 2,
      photos: [2, 4],
    });
  },
  "recipe-hostile-found": (state) => {
    state.preview.samples = fixtures.samples(5, true);
    const long = "a-very-long-name-from-an-experiment-of-2026-11-28-".repeat(3);
    state.recipe = search({
      files: [`<b>${long}.npy`],
      status: "found",
      answer: finding({
        ...near,
        changes: [
          ...changes,
          { field: "pad", was: `<script>${"0".repeat(90)}`, found: "[114.0, 114.0, 114.0]" },
        ],
      }),
    });
  },
};

type RecipeCommands = Pick<
  Commands,
  | "removeRecipeFile"
  | "chooseForRecipe"
  | "searchRecipe"
  | "cancelRecipe"
  | "closeRecipe"
  | "useRecipe"
>;

/** Commands that change the search of `state`, and play one of two seconds. */
export function recipeCommands(
  state: State,
  emit: (event: Event) => void,
  edit: (recipe: Recipe) => Document,
): { commands: RecipeCommands; pickRecipe: () => Promise<void> } {
  function set(next: RecipeSearch | null) {
    state.recipe = next;
    emit({ event: "recipe", value: next });
  }
  function change(parts: Partial<RecipeSearch>) {
    const idle = { status: "choosing", started: null, answer: null, failure: null } as const;
    if (state.recipe) set({ ...state.recipe, ...idle, ...parts });
  }
  const pickRecipe = async () => {
    const files = [...(state.recipe?.files ?? []), "cat.npy"];
    set(search({ id: state.recipe?.id ?? Date.now(), files, rows: files.length, run: 0 }));
  };
  const commands: RecipeCommands = {
    async removeRecipeFile(place) {
      const files = state.recipe?.files.filter((_, at) => at !== place) ?? [];
      change({ files, rows: files.length });
    },
    chooseForRecipe: async (choice) => change(choice),
    async searchRecipe() {
      const run = (state.recipe?.run ?? 0) + 1;
      change({ status: "searching", started: new Date().toISOString(), run });
      await wait(2000);
      if (state.recipe?.run === run && state.recipe.status === "searching")
        change({ status: "found", answer: finding() });
    },
    cancelRecipe: async () => change({}),
    async closeRecipe(id) {
      if (state.recipe?.id === id) set(null);
    },
    async useRecipe() {
      const document = edit(recipe());
      set(null);
      return document;
    },
  };
  return { commands, pickRecipe };
}
