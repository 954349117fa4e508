/** The options of the form's lists, with the words and libraries that data scientists know. */
import type {
  Align,
  Arithmetic,
  Channels,
  Crop,
  Decode,
  Depth,
  Filter,
  GreyOrder,
  ImageDtype,
  InputKind,
  Layout,
  Resize,
  Rounding,
  StrideRounding,
} from "../generated/contract";

export interface Option<T> {
  value: T;
  label: string;
  title?: string;
}

export interface Group<T> {
  title: string;
  options: readonly Option<T>[];
}

export const decoders: readonly Group<Decode>[] = [
  { title: "Pillow", options: [{ value: "pillow", label: "Pillow" }] },
  {
    title: "OpenCV",
    options: [
      { value: "opencv", label: "OpenCV, colour" },
      { value: "opencv-grey", label: "OpenCV, grey" },
      { value: "opencv-unchanged", label: "OpenCV, unchanged" },
    ],
  },
  { title: "TensorFlow", options: [{ value: "tensorflow", label: "TensorFlow" }] },
];

export const resizes: readonly Option<Resize>[] = [
  { value: "short-side", label: "Short side" },
  { value: "long-side", label: "Long side" },
  { value: "stretch", label: "Stretch" },
  { value: "letterbox", label: "Fit (letterbox)" },
  { value: "thumbnail", label: "Thumbnail (Pillow)" },
  { value: "none", label: "None" },
];

/** What each of them does, for the hint of the list. */
export const resizeHints: Record<Resize, string> = {
  "short-side": "T.Resize(256): the shorter side to a size, the aspect ratio kept",
  "long-side": "A.LongestMaxSize(640): the longer side to a size, the aspect ratio kept",
  stretch: "cv2.resize(x, (224, 224)), T.Resize((224, 224)): whatever the aspect ratio",
  letterbox: "Ultralytics' LetterBox, ImageOps.pad: into the input's size, with a border",
  thumbnail: "Image.thumbnail: into the input's size, never larger than the photo",
  none: "The photo keeps its size",
};

const pillow: Group<Filter> = {
  title: "Pillow",
  options: [
    { value: "nearest", label: "Nearest" },
    { value: "box", label: "Box" },
    { value: "bilinear", label: "Bilinear" },
    { value: "hamming", label: "Hamming" },
    { value: "bicubic", label: "Bicubic" },
    { value: "lanczos", label: "Lanczos" },
  ],
};

export const filters: readonly Group<Filter>[] = [
  pillow,
  {
    title: "OpenCV",
    options: [
      { value: "opencv-nearest", label: "OpenCV nearest" },
      { value: "opencv-nearest-exact", label: "OpenCV nearest exact" },
      { value: "opencv-linear", label: "OpenCV linear" },
      { value: "opencv-linear-exact", label: "OpenCV linear exact" },
      { value: "opencv-cubic", label: "OpenCV cubic" },
      { value: "opencv-area", label: "OpenCV area" },
      { value: "opencv-lanczos4", label: "OpenCV Lanczos4" },
    ],
  },
  {
    title: "torchvision, on tensors",
    options: [
      { value: "torchvision-nearest", label: "torchvision nearest" },
      { value: "torchvision-nearest-exact", label: "torchvision nearest exact" },
      { value: "torchvision-bilinear", label: "torchvision bilinear" },
      { value: "torchvision-bicubic", label: "torchvision bicubic" },
    ],
  },
  {
    title: "TensorFlow",
    options: [
      { value: "tensorflow-nearest", label: "TensorFlow nearest" },
      { value: "tensorflow-bilinear", label: "TensorFlow bilinear" },
      { value: "tensorflow-bicubic", label: "TensorFlow bicubic" },
      { value: "tensorflow-area", label: "TensorFlow area" },
      { value: "tensorflow-lanczos3", label: "TensorFlow Lanczos3" },
      { value: "tensorflow-lanczos5", label: "TensorFlow Lanczos5" },
    ],
  },
];

/** Packages of format 1 have these; nothing new should. */
const format1: Group<Filter> = {
  title: "As in format 1",
  options: [
    { value: "format1-opencv-linear", label: "Linear of format 1" },
    { value: "format1-opencv-area", label: "Area of format 1" },
  ],
};

const names = new Map(
  [...filters, format1].flatMap((group) => group.options.map((one) => [one.value, one.label])),
);

export const filterName = (filter: Filter): string => names.get(filter) ?? filter;

/** The filters that fit a way of resizing, and the present one whatever it is. */
export function filtersFor(resize: Resize, present: Filter): readonly Group<Filter>[] {
  const fitting = resize === "thumbnail" ? [pillow] : filters;
  const known = fitting.some((group) => group.options.some((one) => one.value === present));
  if (known) return fitting;
  return [
    ...fitting,
    format1.options.some((one) => one.value === present)
      ? format1
      : {
          title: "Does not fit",
          options: [{ value: present, label: filterName(present) }],
        },
  ];
}

export const kinds: readonly Option<InputKind>[] = [
  { value: "image", label: "Pictures" },
  { value: "tensor", label: "Tensors" },
];

export const crops: readonly Option<Crop>[] = [
  { value: "center", label: "Centre" },
  { value: "center-floor", label: "Centre, floored" },
  { value: "none", label: "None" },
];

export const channels: readonly Option<Channels>[] = [
  { value: "rgb", label: "RGB", title: "Pillow's and TensorFlow's order" },
  { value: "bgr", label: "BGR", title: "cv2.imread's order" },
  { value: "grey", label: "Grey", title: 'convert("L"), IMREAD_GRAYSCALE' },
];

export const layouts: readonly Option<Layout>[] = [
  { value: "NCHW", label: "NCHW", title: "Batch, channel, row, column: PyTorch" },
  { value: "NHWC", label: "NHWC", title: "Batch, row, column, channel: TensorFlow" },
];

export const dtypes: readonly Option<ImageDtype>[] = [
  { value: "f32", label: "f32", title: "np.float32" },
  { value: "f16", label: "f16", title: "np.float16" },
  { value: "u8", label: "u8", title: "np.uint8: rounded, and clamped to 0 to 255" },
];

export const roundings: readonly Option<Rounding>[] = [
  { value: "floor", label: "Down" },
  { value: "round", label: "To nearest" },
  { value: "half-up", label: "To nearest, half up" },
  { value: "ceil", label: "Up" },
  { value: "detr", label: "As DETR" },
];

export const depths: readonly Option<Depth>[] = [
  { value: "u8", label: "Bytes" },
  { value: "f32", label: "Floats, 0 to 255" },
  { value: "unit", label: "Floats, 0 to 1" },
  { value: "rounded", label: "Floats, then rounded" },
];

export const depthHints: Record<Depth, string> = {
  u8: "uint8, as it was decoded",
  f32: "x.astype(np.float32), x.float()",
  unit: "behind T.ToTensor() or x / 255",
  rounded: "T.Resize (not v2) on tensors of bytes",
};

export const aligns: readonly Option<Align>[] = [
  { value: "center", label: "In the middle" },
  { value: "center-round", label: "In the middle, rounded" },
  { value: "top-left", label: "Top left" },
  { value: "tensorflow", label: "As TensorFlow" },
];

export const alignHints: Record<Align, string> = {
  center: "Ultralytics' LetterBox: an odd pixel goes right and below",
  "center-round": "ImageOps.pad: half a pixel goes to the even offset",
  "top-left": "YOLOX: all of the border is right and below",
  tensorflow: "tf.image.resize_with_pad",
};

export const greyOrders: readonly Option<GreyOrder>[] = [
  { value: "before", label: "Before resizing", title: 'Image.open(f).convert("L")' },
  { value: "after", label: "After", title: "T.Grayscale() behind T.Resize" },
];

export const strideRoundings: readonly Option<StrideRounding>[] = [
  { value: "up", label: "Up" },
  { value: "nearest", label: "Nearest" },
  { value: "down", label: "Down" },
];

export const arithmetics: readonly Option<Arithmetic>[] = [
  { value: "fused", label: "At once" },
  { value: "torchvision", label: "torchvision" },
  { value: "keras", label: "Keras" },
  { value: "reciprocal", label: "albumentations" },
  { value: "float64", label: "NumPy float64" },
];
