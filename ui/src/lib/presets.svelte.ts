/** The preprocessing presets for the open model, and which of them a package uses. */
import type { Preprocess } from "../generated/contract";
import type { Studio } from "./studio.svelte";

export const presetNames = [
  ["imagenet", "ImageNet (torchvision)"],
  ["tf", "TensorFlow (−1 to 1)"],
  ["efficientnet-lite", "EfficientNet-Lite"],
  ["unit", "Unit (0 to 1)"],
  ["raw", "Raw (0 to 255)"],
] as const;

type Presets = ReadonlyMap<string, Preprocess>;

/** Equal for equal presets. The EXIF orientation is not part of a preset. */
function comparisonKey({ exif: _, size, pad, mean, std, ...rest }: Preprocess): string {
  const near = (values: readonly number[]) => values.map((value) => value.toPrecision(5));
  return JSON.stringify([
    Object.entries(rest).sort(),
    size ?? null,
    pad ?? null,
    near(mean),
    near(std),
  ]);
}

export function presetOf(known: Presets, pre: Preprocess): string | null {
  const wanted = comparisonKey(pre);
  for (const [name, preset] of known) if (comparisonKey(preset) === wanted) return name;
  return null;
}

/** The presets, loaded again whenever another model is opened. */
export function presets(app: Studio): { readonly all: Presets; choose(name: string): void } {
  let all = $state.raw<Presets>(new Map());
  const model = $derived(app.document ? `${app.document.folder}/${app.document.model.file}` : null);
  $effect(() => {
    if (model === null) return;
    void Promise.allSettled(
      presetNames.map(async ([name]) => [name, await app.host.preset(name)] as const),
    ).then((answers) => {
      all = new Map(
        answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : [])),
      );
    });
  });
  return {
    get all() {
      return all;
    },
    choose(name) {
      const preset = all.get(name);
      if (preset)
        app.draft.edit(
          (pkg) => (pkg.preprocess = { ...structuredClone(preset), exif: pkg.preprocess.exif }),
        );
    },
  };
}
