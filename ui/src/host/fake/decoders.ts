/** Decoders of the fake host: enough to be told apart. */
import type { Decoder, DecoderChoice } from "../../generated/contract";

function decoder(name: Decoder, more: Partial<DecoderChoice> = {}): DecoderChoice {
  return {
    name,
    roles: ["boxes"],
    has_extras: false,
    has_masks: false,
    score_threshold: 0.5,
    iou_threshold: null,
    class_agnostic: false,
    max_detections: 300,
    ...more,
  };
}

export const decoders: DecoderChoice[] = [
  decoder("yolov8", {
    has_extras: true,
    has_masks: true,
    score_threshold: 0.25,
    iou_threshold: 0.7,
  }),
  decoder("yolox", { score_threshold: 0.3, iou_threshold: 0.45, class_agnostic: true }),
  decoder("end-to-end", { has_extras: true, has_masks: true, score_threshold: 0.25 }),
  decoder("detr", { roles: ["boxes", "scores"] }),
  decoder("ssd-tf", { roles: ["boxes", "scores", "classes", "count"] }),
];
