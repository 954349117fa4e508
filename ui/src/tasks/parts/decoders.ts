/** How models encode boxes: the words for it, and what a task can have. */
import type { Decoder, DecoderChoice, Postprocess, Task } from "../../generated/contract";

export const decoderWords: Record<Decoder, { label: string; title: string }> = {
  yolov8: {
    label: "YOLOv8, v9, v11, v12",
    title: "[4 + classes, boxes]: centre, size and a score a class",
  },
  yolov5: {
    label: "YOLOv5, v7",
    title: "[boxes, 5 + classes]: centre, size, objectness and a score a class",
  },
  yolox: {
    label: "YOLOX",
    title: "As YOLOv5, on the grids of strides 8, 16 and 32",
  },
  "end-to-end": {
    label: "YOLOv10, v26, end to end",
    title: "[boxes, 6]: two corners, score and class; nothing is left to suppress",
  },
  "rt-detr": {
    label: "RT-DETR (Ultralytics)",
    title: "[boxes, 4 + classes]: centre and size from 0 to 1, and a score a class",
  },
  detr: {
    label: "DETR",
    title: "Logits with a last class for nothing, and boxes from 0 to 1",
  },
  "rt-detr-transformers": {
    label: "RT-DETR (transformers)",
    title: "Logits of which each is a class by itself, and boxes from 0 to 1",
  },
  "d-fine": {
    label: "D-FINE, RT-DETR v2",
    title: "Corners in pixels of the photo, labels from 0, and scores",
  },
  "ssd-tf": {
    label: "TensorFlow detection",
    title: "Corners from 0 to 1, rows first, and classes from 1",
  },
  torchvision: {
    label: "torchvision",
    title: "Corners in pixels of the input, labels from 1, and scores",
  },
  picodet: {
    label: "PicoDet, NanoDet",
    title: "A score and a distribution of distances for each cell of each stride",
  },
  "custom-vision": {
    label: "Custom Vision",
    title: "Corners from 0 to 1, classes from 0, and scores",
  },
  mmdetection: {
    label: "MMDetection, RTMDet",
    title: "[boxes, 5]: two corners in pixels of the input and a score; and labels from 0",
  },
  "yolo-nas": {
    label: "YOLO-NAS",
    title: "Two corners and a score a class; or what is left after suppression, apart or as rows",
  },
  "yolov7-end-to-end": {
    label: "YOLOv7, v6, end to end",
    title: "[boxes, 7]: photo, two corners, class and score; nothing is left to suppress",
  },
  nms: {
    label: "With suppression in the model",
    title: "Corners in pixels of the input, classes from 0, scores, and how many there are",
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
export function decodersOf(all: readonly DecoderChoice[], task: Task): readonly DecoderChoice[] {
  if (task === "detection") return all;
  return all.filter((one) => (task === "instance-segmentation" ? one.has_masks : one.has_extras));
}

/** Changes the task, and fills in what the new one can't be without. */
export function setTask(
  postprocess: Postprocess,
  task: Task,
  decoders: readonly DecoderChoice[],
): void {
  postprocess.task = task;
  if (task !== "classification") postprocess.heads = [];
  if (!boxTasks.includes(task)) return;
  const { decoder } = postprocess;
  if (!decodersOf(decoders, task).some((one) => one.name === decoder))
    postprocess.decoder = "yolov8";
  if (task === "pose") postprocess.keypoints ??= [17, 3];
}
