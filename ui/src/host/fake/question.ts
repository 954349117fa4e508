/** A question about a guess, and what the commands around it do in the plain browser. */
import type { Document, Event, Package, Question, State } from "../../generated/contract";
import type { Host } from "../host";
import * as fixtures from "./fixtures";

const ways = [
  ["ImageNet's mean", "torchvision, timm", "tiger cat", 0.391],
  ["0 to 1", "Divided by 255", "lynx", 0.212],
  ["-1 to 1", "Keras, MobileNet", "Egyptian cat", 0.684],
  ["0 to 255", "Models that normalise themselves", "shower curtain", 0.997],
  ["0 to 1, blue first", "Fed by OpenCV", "Persian cat", 0.174],
  ["Minus the mean, blue first", "Caffe, Keras' VGG and ResNet", "velvet", 0.882],
] as const;

export function question(): Question {
  const { postprocess } = fixtures.pkg();
  return {
    title: "Which answer is right?",
    why: "The model doesn't say which numbers its pixels were in training.",
    sample: 1,
    answers: ways.map(([name, note, best, score]) => ({
      name,
      note,
      postprocess,
      outcome: {
        classPredictions: [
          { class: best, score },
          { class: "tabby", score: (1 - score) / 2 },
          { class: "Siamese cat", score: (1 - score) / 5 },
        ],
      },
    })),
  };
}

export const asked = (state: State) => {
  state.question = question();
};

/** A model of tensors, and no sample yet. */
export const noSamples = (state: State) => {
  if (!state.document) return;
  const { document } = state;
  const axes = { input: ["", ""], state: [2, "", 128], sr: [] as number[] };
  document.model.signature.inputs = Object.entries(axes).map(([name, shape]) => ({
    name,
    datatype: name === "sr" ? "INT64" : "FP32",
    shape,
  }));
  const [first] = document.package.input;
  if (first)
    document.package.input = Object.keys(axes).map((name) => ({
      ...first,
      name,
      kind: "tensor",
    }));
  document.package.postprocess = { ...document.package.postprocess, task: "raw", output: null };
  state.preview = { ...state.preview, samples: [], done: 0, status: "idle", timing: null };
};

/** The third answer and further ones are told apart by their numbers alone. */
const numbers = [
  [127, 128],
  [0, 255],
  [127.5, 127.5],
  [0, 1],
] as const;

export function questionCommands(
  state: State,
  emit: (event: Event) => void,
  edit: (pkg: Package) => Document,
): Pick<Host, "answerQuestion" | "dismissQuestion"> & { changed: () => void } {
  const about = structuredClone(state.question ? state.document?.package : undefined);
  const all = state.question;
  let dismissed = false;
  /** Shown as long as the package is the one that it is about: also again, after an undo. */
  function changed() {
    if (!all) return;
    const same = JSON.stringify(state.document?.package) === JSON.stringify(about);
    state.question = same && !dismissed ? all : null;
    emit({ event: "question", value: state.question });
  }
  const current = () => state.document ?? fixtures.document();
  return {
    changed,
    async answerQuestion(answer) {
      if (answer === 0) return this.dismissQuestion();
      const pkg = structuredClone(current().package);
      const [mean, std] = numbers[answer] ?? [0, 255];
      pkg.preprocess.mean = [mean, mean, mean];
      pkg.preprocess.std = [std, std, std];
      if (answer > 3) pkg.preprocess.channels = "bgr";
      return edit(pkg);
    },
    async dismissQuestion() {
      dismissed = true;
      changed();
      return current();
    },
  };
}
