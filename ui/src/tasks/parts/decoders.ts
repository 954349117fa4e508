/** How models encode boxes, and what each decoder takes and assumes where the package says nothing. */
import type { Decoder, Outputs, Postprocess, Task } from "../../generated/contract";

export type Role = keyof Outputs;

export interface DecoderView {
  label: string;
  title: string;
  /** The outputs that it takes. */
  roles: readonly Role[];
  score: number;
  /** `null` where nothing is suppressed. */
  iou: number | null;
  agnostic: boolean;
  /** Whether it can have angles, keypoints and masks. */
  extras: boolean;
}

const one = {
  roles: ["boxes"] as const,
  score: 0.25,
  iou: null,
  agnostic: false,
  extras: false,
};
const several = { ...one, score: 0.5 };

export const decoders: Record<Decoder, DecoderView> = {
  yolov8: {
    ...one,
    label: "YOLOv8, v9, v11, v12",
    title: "[4 + classes, boxes]: centre, size and a score a class",
    iou: 0.7,
    extras: true,
  },
  yolov5: {
    ...one,
    label: "YOLOv5, v7",
    title: "[boxes, 5 + classes]: centre, size, objectness and a score a class",
    iou: 0.45,
    extras: true,
  },
  yolox: {
    ...one,
    label: "YOLOX",
    title: "As YOLOv5, on the grids of strides 8, 16 and 32",
    score: 0.3,
    iou: 0.45,
    agnostic: true,
  },
  "end-to-end": {
    ...one,
    label: "YOLOv10, v26, end to end",
    title: "[boxes, 6]: two corners, score and class; nothing is left to suppress",
    extras: true,
  },
  "rt-detr": {
    ...one,
    label: "RT-DETR (Ultralytics)",
    title: "[boxes, 4 + classes]: centre and size from 0 to 1, and a score a class",
  },
  detr: {
    ...several,
    label: "DETR",
    title: "Logits with a last class for nothing, and boxes from 0 to 1",
    roles: ["boxes", "scores"],
  },
  "rt-detr-transformers": {
    ...several,
    label: "RT-DETR (transformers)",
    title: "Logits of which each is a class by itself, and boxes from 0 to 1",
    roles: ["boxes", "scores"],
  },
  "d-fine": {
    ...several,
    label: "D-FINE, RT-DETR v2",
    title: "Corners in pixels of the photo, labels from 0, and scores",
    roles: ["boxes", "scores", "classes"],
  },
  "ssd-tf": {
    ...several,
    label: "TensorFlow detection",
    title: "Corners from 0 to 1, rows first, and classes from 1",
    roles: ["boxes", "scores", "classes", "count"],
  },
  torchvision: {
    ...several,
    label: "torchvision",
    title: "Corners in pixels of the input, labels from 1, and scores",
    roles: ["boxes", "scores", "classes"],
  },
  picodet: {
    ...several,
    label: "PicoDet, NanoDet",
    title: "A score and a distribution of distances for each cell of each stride",
    roles: [],
    iou: 0.6,
  },
};

/** Tasks whose results are boxes. */
export const boxTasks: readonly Task[] = [
  "detection",
  "rotated-detection",
  "pose",
  "instance-segmentation",
];

/** The decoders that a task can have. */
export function decodersOf(task: Task): Decoder[] {
  const all = Object.keys(decoders) as Decoder[];
  return task === "detection" ? all : all.filter((name) => decoders[name].extras);
}

/** Changes the task, and fills in what the new one can't be without. */
export function setTask(postprocess: Postprocess, task: Task): void {
  postprocess.task = task;
  if (!boxTasks.includes(task)) return;
  const { decoder } = postprocess;
  if (!decoder || !decodersOf(task).includes(decoder)) postprocess.decoder = "yolov8";
  if (task === "pose") postprocess.keypoints ??= [17, 3];
}
