// Generated from crates/studio/src/api and the types it names. Don't edit:
//   UPDATE=1 cargo test -p boxwright-studio --features ts --test typescript

/** A registry with credentials. */
export type Account = {
  /** Host and port. */
  registry: string,
  /** The user's name there. */
  username: string,
  /** Where the secret is. */
  store: CredentialStore,
};

/** What turns a model's scores into those shown. */
export type Activation = "softmax" | "sigmoid" | "none";

/** Where a letterboxed picture lies on its canvas. */
export type Align = "center" | "center-round" | "top-left" | "tensorflow";

/** The order in which y = (x − mean) / std is computed. The results differ in the last digits. */
export type Arithmetic = "fused" | "torchvision" | "keras" | "reciprocal" | "float64";

/** How requests are batched. */
export type Batch = {
  /** Most samples that go through the model together. */
  max_size: number,
  /** Longest that a request waits for others, in milliseconds. */
  max_delay_ms: number,
};

/** How four numbers are a box. */
export type BoxFormat = "xyxy" | "cxcywh" | "yxyx";

/** Order and number of colour channels. */
export type Channels = "rgb" | "bgr" | "grey";

/** One thing that the doctor looked at. */
export type Check = {
  /** What was looked at, in words: `Docker Engine`. */
  name: string,
  /** How it is. */
  status: CheckStatus,
  /** What was found. */
  message: string,
  /** What to do; empty where there is nothing to do. */
  hint: string,
};

/** How one thing is. */
export type CheckStatus = "works" | "absent" | "broken";

/** One class with its score. */
export type ClassPrediction = {
  /** The label, or the class index in decimal where there are no labels. */
  class: string,
  /** The score after the activation. */
  score: number,
};

/** The contract's codes. */
export type Code = "ModelUnreadable" | "ModelUnsupported" | "PackageInvalid" | "SampleUnreadable" | "ShapeMismatch" | "DeviceUnavailable" | "WorkerLost" | "ReferenceInvalid" | "RegistryUnauthorized" | "RegistryDenied" | "RegistryUnreachable" | "RegistryFailed" | "TagExists" | "BuildFailed" | "EngineUnavailable" | "ProofDiffers" | "DiskFull" | "FileChanged" | "Internal";

/** Where a secret is stored. */
export type CredentialStore = "keychain" | "docker-config" | "session";

/** What is cut out after resizing. */
export type Crop = "center" | "center-floor" | "none";

/** The element type of a tensor. Serialised by its Open Inference Protocol name (`FP32`). */
export type DataType = "BOOL" | "INT8" | "INT16" | "INT32" | "INT64" | "UINT8" | "UINT16" | "UINT32" | "UINT64" | "FP16" | "BF16" | "FP32" | "FP64" | "BYTES";

/** What turns a file's bytes into pixels. */
export type Decode = "pillow" | "opencv" | "opencv-grey" | "opencv-unchanged" | "tensorflow";

/** How outputs encode boxes. */
export type Decoder = "yolov8" | "yolov5" | "yolox" | "end-to-end" | "rt-detr" | "detr" | "rt-detr-transformers" | "d-fine" | "ssd-tf" | "torchvision" | "picodet" | "custom-vision" | "mmdetection" | "yolo-nas" | "yolov7-end-to-end" | "nms";

/** A decoder of boxes: what it takes, and what holds where the package says nothing. */
export type DecoderChoice = {
  /** Its name in the package file. */
  name: Decoder,
  /** The outputs that it takes, by role; none where it takes all of them. */
  roles: Array<keyof Outputs>,
  /** Whether its boxes can have angles, keypoints or masks. */
  has_extras: boolean,
  /** Whether its boxes can have masks. */
  has_masks: boolean,
  /** The score that a box is shown above. */
  score_threshold: number,
  /** The overlap above which the worse of two boxes is dropped; `None` where none is. */
  iou_threshold: number | null,
  /** Whether a box also suppresses those of other classes. */
  class_agnostic: boolean,
  /** How many boxes are kept at most. */
  max_detections: number,
};

/** The numbers in which the library resizes. */
export type Depth = "u8" | "f32" | "unit" | "rounded";

/** One box, in pixels of the upright photo. */
export type Detection = {
  /** The label, or the index in decimal where there is none. */
  class: string,
  /** The index of the class, as the model gives it. */
  index: number,
  /** The score. */
  score: number,
  /** Left, top, right, bottom. */
  box: [number, number, number, number],
  /** The corners of a rotated box, each x and y. */
  polygon?: [[number, number], [number, number], [number, number], [number, number]] | null,
  /** Keypoints: x, y and score each; a model without scores gives 1. */
  keypoints?: Array<[number, number, number]> | null,
  /** The mask, of the photo's size. */
  mask?: RunLengths | null,
};

/** A kind of device that runs models. */
export type DeviceKind = "cpu" | "webgpu" | "cuda";

/** The device that ran, and why. */
export type DeviceUsed = {
  /** What kind it is. */
  kind: DeviceKind,
  /** The device's own name. */
  name: string,
  /** Why this one and not a better one. */
  reason: string,
};

/** One axis of a shape. */
export type Dimension = number | string;

/** What works on this machine, what does not, and what to do. */
export type Doctor = {
  /** The program's version. */
  version: string,
  /** One a thing that was looked at. */
  checks: Array<Check>,
};

/** The open package, with what its model says about itself. */
export type Document = {
  /** Counts every change; an edit names the revision that it started from. */
  revision: number,
  /** The folder's name, for the title bar. */
  folder: string,
  /** Whether the package differs from its file. */
  dirty: boolean,
  /** Whether there is a step to undo. */
  can_undo: boolean,
  /** Whether there is a step to do again. */
  can_redo: boolean,
  /** The package as edited. */
  package: Package,
  /** The name of the preset that it follows, where it follows one. */
  preset: string | null,
  /** The model, as read from its file. */
  model: ModelSummary,
  /** Fields that were guessed rather than read or chosen, with the reason. */
  guesses: Array<Guess>,
  /** Labels, where the package names some. */
  labels: LabelsSummary | null,
  /**
   * What is wrong with the package as edited; it can't be previewed or published until it is
   * mended.
   */
  problems: Array<Problem>,
};

/** A vector. */
export type Embedding = {
  /** The vector. */
  values: Array<number>,
  /** Its Euclidean length before it was normalised. */
  norm: number,
};

/** What the studio tells the page, in the order of `State`'s fields. */
export type Event = { "event": "document", "value": Document | null } | { "event": "preview", "value": PreviewChange } | { "event": "samples", "value": {
  /** The run that the outcomes belong to. */
  run: number,
  /** The samples, whole. */
  samples: Array<Sample>, } } | { "event": "question", "value": Question | null } | { "event": "recipe", "value": RecipeSearch | null } | { "event": "job", "value": Job } | { "event": "history", "value": Array<Published> } | { "event": "recent", "value": Array<Recent> } | { "event": "accounts", "value": Array<Account> } | { "event": "settings", "value": Settings } | { "event": "failure", "value": Failure } | { "event": "close-requested" };

/** What a recipe was held against. */
export type Evidence = "tensors" | "answers";

/** How predictions are exported. */
export type ExportFormat = "json" | "jsonl" | "csv";

/** A failure: what happened to which thing, why, and the next step. */
export type Failure = {
  /** What a front end may act on. */
  code: Code,
  /** What happened to which thing. */
  message: string,
  /** The next step. */
  hint: string,
  /** What led to it, outermost first. */
  causes: Array<string>,
  /** Whether the same request may succeed later. */
  retryable: boolean,
  /** The next version that nothing is published under, where a tag is taken. */
  free_version?: string | null,
};

/** The resampling filter, by the library that has it. */
export type Filter = "nearest" | "box" | "bilinear" | "hamming" | "bicubic" | "lanczos" | "opencv-nearest" | "opencv-nearest-exact" | "opencv-linear" | "opencv-linear-exact" | "opencv-cubic" | "opencv-area" | "opencv-lanczos4" | "torchvision-nearest" | "torchvision-nearest-exact" | "torchvision-bilinear" | "torchvision-bicubic" | "tensorflow-nearest" | "tensorflow-bilinear" | "tensorflow-bicubic" | "tensorflow-area" | "tensorflow-lanczos3" | "tensorflow-lanczos5" | "format1-opencv-linear" | "format1-opencv-area";

/** When a picture is made grey. */
export type GreyOrder = "before" | "after";

/** One guessed field. */
export type Guess = {
  /** The field's dotted path in the package file, such as `preprocess.mean`. */
  field: string,
  /** Why this value, in words. */
  reason: string,
};

/** Another output of scores that a classification shows. */
export type Head = {
  /** The output. */
  output: string,
  /** What turns scores into those shown. */
  activation: Activation,
  /**
   * Class names by index; without them a class is shown as its index, and the one number of an
   * output by the output's name.
   */
  classes: Array<string>,
};

/** Classes by several outputs of a model. */
export type Heads = {
  /** The classes of the output that the package is about, by falling score. */
  classPredictions: Array<ClassPrediction>,
  /** The classes of every output, that one too, by its name. */
  heads: { [key in string]: Array<ClassPrediction> },
};

/** Name, version and description. */
export type Identity = {
  /** `[a-z0-9]+([._-][a-z0-9]+)*`, at most 128 characters. */
  name: string,
  /** An OCI tag: `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`. */
  version: string,
  /** A sentence for people. */
  description: string,
};

/** Element type of an image tensor. */
export type ImageDtype = "f32" | "f16" | "u8";

/** What one model input takes. */
export type Input = {
  /** The input's name in the model. */
  name: string,
  /** What a sample is. */
  kind: InputKind,
  /** Order of the axes of an image input. */
  layout: Layout,
  /** Element type of an image input's tensor. */
  dtype: ImageDtype,
  /** Pixels across; `None` for the picture's own size, where the model takes any. */
  width: number | null,
  /** Pixels down. */
  height: number | null,
  /** What both sides of a tensor of any size are a multiple of, in pixels. */
  stride: number | null,
  /** How a side becomes a multiple of `stride`. */
  stride_rounding: StrideRounding,
  /** The numbers of a constant, in row-major order; one for all elements, or as many as there are. */
  value: Array<number>,
  /** The order of an original size. */
  order: SizeOrder,
};

/** What a sample of an input is. */
export type InputKind = "image" | "tensor" | "constant" | "original-size" | "mask";

/** A job as it stands. */
export type Job = {
  /** Unique in this program's life. */
  id: number,
  /** What it does. */
  kind: JobKind,
  /** What it works on: `localhost:5000/cat:1`. */
  title: string,
  /** Names of its stages, in order. */
  stages: Array<string>,
  /** The stage that runs. */
  stage: string,
  /** One a layer, target or file, in the order of their appearance. */
  items: Array<JobItem>,
  /** The newest lines of its log. */
  log: Array<LogLine>,
  /** Whether it runs or how it ended. */
  status: JobStatus,
  /** Milliseconds since it began, at the time of this message. */
  elapsed_ms: number,
  /** Bytes sent a second, over the last seconds; 0 where nothing is sent. */
  bytes_per_second: number,
};

/** Progress of one thing within a job. */
export type JobItem = {
  /** A layer's digest, a target or a file. */
  item: string,
  /** What it is, in words: `model`, `runtime`, `base`, `package`. */
  label: string,
  /** The target it belongs to, where it belongs to one. */
  target: string | null,
  /** The stage it belongs to. */
  stage: string,
  /** What is counted. */
  unit: Unit,
  /** How much is done. */
  done: number,
  /** How much there is, where it is known. */
  total: number | null,
  /** Whether it was already there and nothing had to be sent. */
  reused: boolean,
};

/** What a job does. */
export type JobKind = "preview" | "build" | "publish" | "verify";

/** The result of a job, by its kind. */
export type JobResult = { "kind": "preview" } & PreviewSummary | { "kind": "build" } & Report | { "kind": "publish" } & Report | { "kind": "verify" } & Report;

/** Whether a job runs or how it ended. */
export type JobStatus = { "status": "running" } | { "status": "finished",
/** What it made. */
result: JobResult, } | { "status": "failed",
/** Why. */
failure: Failure,
/**
 * What it made, where the work was done and the result is bad: an image that predicts
 * something else than the preview.
 */
result?: JobResult | null, } | { "status": "cancelled" };

/** Where the class names are. */
export type Labels = {
  /** A text file beside the package file, one label a line, UTF-8. */
  file: string,
};

/** The labels of the open package. */
export type LabelsSummary = {
  /** The file's name, or the model's metadata. */
  source: string,
  /** How many there are. */
  count: number,
  /** The first few. */
  first: Array<string>,
};

/** Order of the axes of an image tensor. */
export type Layout = "NCHW" | "NHWC";

/** A line of a job's log. */
export type LogLine = {
  /** `info` or `warn`. */
  level: string,
  /** The text. */
  text: string,
};

/** One file of the model. */
export type ModelFile = {
  /** Path relative to the package file's folder, `/`-separated, inside it. */
  path: string,
  /** SHA-256 of the file in lower-case hexadecimal, where it has been computed. */
  sha256: string | null,
};

/** The files that make up the model; the first is the model itself. */
export type ModelFiles = {
  /** The model file, then its external data files. */
  files: Array<ModelFile>,
};

/** What is shown of a model, and printed by `boxwright inspect --json`. */
export type ModelSummary = {
  /** The file's name. */
  file: string,
  /** The format's name: `ONNX`. */
  format: string,
  /** Bytes on disk, external data included. */
  size_bytes: number,
  /** Version of each operator set by its domain; `""` is ONNX's own. */
  opset: { [key in string]: number },
  /** Version of the file format. */
  ir_version: number,
  /** Name and version of the program that wrote the file. */
  producer: string,
  /** Number of elements of all initializers, those of subgraphs and external ones included. */
  parameters: number,
  /** What goes in and what comes out. */
  signature: Signature,
  /** Files with external data as the model names them, relative to its folder. */
  external_data: Array<string>,
};

/** What happens to a vector. */
export type Normalise = "none" | "l2";

/** What became of one sample; exactly one key in JSON, but for classes by several outputs. */
export type Outcome = { "classPredictions": Array<ClassPrediction> } | { "detections": Array<Detection> } | { "segmentation": Segmentation } | { "matte": string } | { "embedding": Embedding } | { "text": TextLine } | { "outputs": { [key in string]: OutputTensor } } | { "error": SampleError } | Heads;

/** A tensor as JSON: elements in row-major order. */
export type OutputTensor = {
  /** Axes, outermost first; the batch axis is left out. */
  shape: Array<number>,
  /** Element type. */
  datatype: DataType,
  /** Elements in row-major order. */
  data: (number | "NaN" | "Infinity" | "-Infinity")[],
};

/** Outputs by what they hold, where the decoder takes several. */
export type Outputs = {
  /** Boxes, and all of a decoder that takes one output. */
  boxes: string | null,
  /** Scores or logits. */
  scores: string | null,
  /** Classes. */
  classes: string | null,
  /** How many of the rows are detections. */
  count: string | null,
  /** Prototypes of masks, or masks. */
  masks: string | null,
};

/** A package file. */
export type Package = {
  /** [`FORMAT`]. */
  format: number,
  /** What the package is called. */
  package: Identity,
  /** The model's files. */
  model: ModelFiles,
  /** One a model input. */
  input: Array<Input>,
  /** How a picture becomes the image input's tensor. */
  preprocess: Preprocess,
  /** How the outputs become a prediction. */
  postprocess: Postprocess,
  /** Class names. */
  labels: Labels | null,
  /** How requests are batched. */
  batch: Batch,
  /** What an orchestrator should reserve. */
  resources: Resources,
};

/** What a file dialog is opened for. */
export type Pick = "model" | "pictures" | "folder" | "labels" | "recipe";

/** What a picture's file says about itself, and whether it was followed. */
export type PictureDetails = {
  /** The format's name: `JPEG`. */
  format: string,
  /** Bits of a sample. */
  bits: number,
  /** Samples of a pixel; a palette's index is one. */
  channels: number,
  /** The EXIF number of the orientation, 1 to 8; 1 is upright, and where there is none. */
  orientation: number,
  /** Whether the picture was turned by it. */
  turned: boolean,
  /** The name of an embedded colour profile that isn't sRGB. Nothing is converted by it. */
  colour_profile: string | null,
};

/** How the outputs become a prediction. */
export type Postprocess = {
  /** What the outputs mean. */
  task: Task,
  /** The output that the task is about; the first one where absent. */
  output: string | null,
  /** What turns scores into those shown. */
  activation: Activation,
  /** How many classes a prediction names at most. */
  top_k: number,
  /** Classification: further outputs of scores. */
  heads: Array<Head>,
  /** Decimal digits that scores are rounded to, half to even; every digit where absent. */
  score_digits: number | null,
  /** Boxes: how the outputs encode them. */
  decoder: Decoder | null,
  /** Boxes: the outputs, where the decoder takes several. */
  outputs: Outputs,
  /** Boxes: how four numbers are a box, where that is not the decoder's own way. */
  box_format: BoxFormat | null,
  /** Boxes: those with a score that is not higher are dropped; the decoder's own where absent. */
  score_threshold: number | null,
  /** Boxes: those that overlap a better one by more are dropped; the decoder's own where absent. */
  iou_threshold: number | null,
  /** Boxes: how many are kept at most; 300 where absent. */
  max_detections: number | null,
  /** Boxes: whether a box also suppresses those of other classes; the decoder's own where absent. */
  class_agnostic: boolean | null,
  /** Boxes: the index of the class that the first label names; the decoder's own where absent. */
  first_class: number | null,
  /** Pose: number of keypoints and of numbers for each, 2 or 3. */
  keypoints: [number, number] | null,
  /** Segmentation: whether the labels begin with a background that the model leaves out. */
  reduce_labels: boolean,
  /** Segmentation: what is resized to the size of the photo. */
  upsample: Upsample,
  /** Segmentation of one channel: from where on a pixel is foreground. */
  threshold: number | null,
  /** Matte: the range of the numbers. */
  range: Range,
  /** Embedding: what happens to the vector. */
  normalise: Normalise,
  /** Text: the index of the class that stands for no character. */
  blank: number,
};

/**
 * How a picture becomes a tensor: decode, resize, crop, order the channels, then
 * y = (x − mean) / std with x in 0..=255.
 */
export type Preprocess = {
  /** What turns the file's bytes into pixels. */
  decode: Decode,
  /** Whether the picture is turned upright by its EXIF orientation. */
  exif: boolean,
  /**
   * Whether a JPEG is decoded at a half, a quarter or an eighth of its size where that is still
   * large enough: Pillow's `Image.draft`.
   */
  draft: boolean,
  /**
   * The quality, 1 to 100, of a JPEG that the picture is made into and read from again before
   * it is resized.
   */
  jpeg_quality: number | null,
  /**
   * The part of both sides, in the middle, that is kept before resizing:
   * `tf.image.central_crop`.
   */
  central_crop: number | null,
  /** How the picture is brought to size. */
  resize: Resize,
  /**
   * Pixels of the shorter side ([`Resize::ShortSide`]), the longer one ([`Resize::LongSide`]),
   * or both ([`Resize::Stretch`], where another size than the input's is cropped to it).
   */
  size: number | null,
  /** Most pixels of the longer side; for [`Resize::ShortSide`] only. */
  max_size: number | null,
  /**
   * How the side that follows from the aspect ratio is rounded; where absent as
   * [`Preprocess::rounding`] has it.
   */
  long_side: Rounding | null,
  /** The resampling filter. */
  filter: Filter,
  /**
   * Whether the filter widens with the scale; for filters that leave it open only
   * ([`Filter::antialias`], which has their defaults).
   */
  antialias: boolean | null,
  /** The numbers in which the library resizes. */
  resize_in: Depth,
  /** The colour around the picture, in 0..=255; for [`Resize::Letterbox`] only. */
  pad: [number, number, number] | null,
  /** What the tensor holds around the picture, in place of a normalised `pad`. */
  pad_normalised: number | null,
  /** Where a letterboxed picture lies. */
  align: Align,
  /** What is cut out after resizing. */
  crop: Crop,
  /** Order and number of channels. */
  channels: Channels,
  /** When the picture is made grey; for [`Channels::Grey`] only. */
  grey: GreyOrder,
  /** The range of the pixels. */
  scale: Scale,
  /** One a channel, in the order of `channels`, or one for all. */
  mean: Array<number>,
  /** One a channel, in the order of `channels`, or one for all; never 0. */
  std: Array<number>,
  /** The order of the arithmetic. */
  arithmetic: Arithmetic,
};

/** A preset of preprocessing. */
export type PresetChoice = {
  /** The name, as for `boxwright init --preset`. */
  name: string,
  /** The title: `ImageNet (torchvision)`. */
  title: string,
};

/** The samples and the newest predictions. */
export type Preview = {
  /** Counts the previews; results of an older one are stale. */
  run: number,
  /** Where the preview stands. */
  status: PreviewStatus,
  /** Why it failed as a whole, where it did. */
  failure: Failure | null,
  /** The samples in their order. */
  samples: Array<Sample>,
  /** Samples of this run that have an outcome. */
  done: number,
  /** The device that ran. */
  device: DeviceUsed | null,
  /** Samples in one run of the model. */
  batch_size: number,
  /** Where the time went; while running, up to now. */
  timing: Timing | null,
};

/** A change of the preview other than outcomes. */
export type PreviewChange = {
  /** As in [`Preview`]. */
  run: number,
  /** As in [`Preview`]. */
  status: PreviewStatus,
  /** As in [`Preview`]. */
  failure: Failure | null,
  /** The order of the samples by id, where samples were added, removed or cleared. */
  order: Array<number> | null,
  /** As in [`Preview`]. */
  done: number,
  /** As in [`Preview`]. */
  device: DeviceUsed | null,
  /** As in [`Preview`]. */
  batch_size: number,
  /** As in [`Preview`]. */
  timing: Timing | null,
};

/** Where a preview stands. */
export type PreviewStatus = "idle" | "loading" | "running" | "done" | "cancelled" | "failed";

/** What a preview on the command line did. */
export type PreviewSummary = {
  /** Samples that have a result. */
  samples: number,
};

/** One thing that is wrong with an edited package. */
export type Problem = {
  /** The field's dotted path in the package file. */
  field: string,
  /** What is wrong and what to do. */
  message: string,
};

/** The proof of one platform. */
export type Proof = {
  /** How it ended. */
  status: ProofStatus,
  /** What ran the image: `docker` or `namespaces`. */
  by: string | null,
  /** How many samples were compared. */
  samples: number,
  /** The largest difference of a score. */
  max_difference: number | null,
  /** Why it differs or was not run, in words. */
  reason: string | null,
};

/** How a proof ended. */
export type ProofStatus = "proven" | "differs" | "not-run";

/** What `publish` takes from the page. */
export type PublishRequest = {
  /** Targets, as in [`TargetChoice`]. */
  targets: Array<string>,
  /** Where to. */
  to: PublishTo,
  /** Whether to prove it with the open samples. */
  prove: boolean,
  /** Go on although the tag names another digest. */
  replace: boolean,
};

/** Where a build goes. */
export type PublishTo = { "to": "registry",
/** `HOST/REPOSITORY:TAG`. */
reference: string, } | { "to": "archive" };

/** An image of the past. */
export type Published = {
  /** When it ended, RFC 3339. */
  at: string,
  /** The package's name. */
  name: string,
  /** The package's version. */
  version: string,
  /** What was published. */
  report: Report,
};

/** What nothing says of a model, with what each answer would show of the first sample. */
export type Question = {
  /** What is asked. */
  title: string,
  /** Why nothing says it. */
  why: string,
  /** The sample that the answers are shown on. */
  sample: number,
  /** What may be, the guess first. */
  answers: Array<QuestionAnswer>,
};

/** One answer. */
export type QuestionAnswer = {
  /** In a few words. */
  name: string,
  /** Whose models are so. */
  note: string,
  /** How the outputs are read then. */
  postprocess: Postprocess,
  /** What the sample's result is then. */
  outcome: Outcome,
};

/** The range of a matte's numbers. */
export type Range = "unit" | "min-max";

/** A package of the past. */
export type Recent = {
  /** Opens it. */
  id: number,
  /** The package's or the model's name. */
  name: string,
  /** The folder, shortened for showing. */
  folder: string,
};

/** What a recipe changes in a package. */
export type Recipe = {
  /** The stages before the model. */
  preprocess: Preprocess,
  /** Order of the tensor's axes. */
  layout: Layout,
  /** Element type of the tensor. */
  dtype: ImageDtype,
  /** Width and height of the tensor, in pixels, where all pictures get the same. */
  size: [number, number] | null,
  /** What the sides of a tensor of any size are a multiple of, in pixels, and how they become so. */
  stride: [number, StrideRounding] | null,
};

/** A field of the package file that a recipe changes. */
export type RecipeChange = {
  /** Its name. */
  field: string,
  /** Its value in the open package. */
  was: string,
  /** Its value in the recipe. */
  found: string,
};

/** What a search goes by, as its user has chosen. */
export type RecipeChoice = {
  /** Samples, in the order of the files' rows. */
  photos: Array<number>,
  /** What the files hold. */
  evidence: Evidence,
};

/** What was found. */
export type RecipeFinding = {
  /** How well the recipe does. */
  verdict: Verdict,
  /** The recipe; the nearest where none is exact. */
  recipe: Recipe | null,
  /** The largest difference, in `unit`s. */
  max_difference: number,
  /** The mean difference, in `unit`s. */
  mean_difference: number,
  /** The unit of the differences, in words: `levels of 255`. */
  unit: string,
  /** Numbers that differ by more than their last digits. */
  differing: number,
  /** Numbers that were compared. */
  compared: number,
  /** What the recipe changes in the open package. */
  changes: Array<RecipeChange>,
  /** Whether the open package has it already. */
  in_package: boolean,
  /** Recipes that do as well on these photos: in what each differs from the one that was found. */
  same: Array<Array<RecipeValue>>,
  /** Whether there is a picture of where the nearest recipe differs on the first photo. */
  heat_map: boolean,
  /** How long it took, in milliseconds. */
  elapsed_ms: number,
  /** Whether time ran out before every recipe was tried. */
  out_of_time: boolean,
};

/**
 * A search for the recipe that a notebook prepares its photos by: what was chosen for it, and
 * what came of it.
 */
export type RecipeSearch = {
  /** Tells it from earlier ones. */
  id: number,
  /** Counts its runs: with `id`, the address of the heat map (`/heat/ID/RUN`). */
  run: number,
  /** The names of the files that the notebook saved. */
  files: Array<string>,
  /** What they hold. */
  evidence: Evidence,
  /** Photos that the files are of; 0 where that is not known. */
  rows: number,
  /** Samples that the files are of, in the order of their rows. */
  photos: Array<number>,
  /** Where it stands. */
  status: RecipeStatus,
  /** When the search began, in RFC 3339, while it goes on. */
  started: string | null,
  /** What was found. */
  answer: RecipeFinding | null,
  /** Why it failed. */
  failure: Failure | null,
};

/** Where a search stands. */
export type RecipeStatus = "choosing" | "searching" | "found" | "failed";

/** A field of a recipe. */
export type RecipeValue = {
  /** Its name in the package file. */
  field: string,
  /** Its value. */
  value: string,
};

/** What `build`, `publish` and `verify` print, and the result card shows. */
export type Report = {
  /** One a tag. */
  images: Array<ReportImage>,
  /** Bytes that were sent. */
  uploaded_bytes: number,
  /** Bytes that were already there. */
  reused_bytes: number,
  /** Time from start to end, in milliseconds. */
  elapsed_ms: number,
};

/** The image under one tag. */
export type ReportImage = {
  /** The reference, or the archive's name. */
  reference: string,
  /** Digest of the index. */
  digest: string,
  /** One a target. */
  platforms: Array<ReportPlatform>,
  /** Whether a registry holds it; an archive's image has no reference that can be pulled. */
  published: boolean,
};

/** One platform under a tag. */
export type ReportPlatform = {
  /** The target: `cpu`, `arm64`, … */
  target: string,
  /** `linux/amd64`, `linux/arm64`. */
  platform: string,
  /** Digest of the manifest. */
  digest: string,
  /** Compressed size of the layers, in bytes. */
  size: number,
  /** The proof, where one was asked for. */
  verified: Proof | null,
};

/** How a picture is brought to size. */
export type Resize = "short-side" | "long-side" | "stretch" | "letterbox" | "thumbnail" | "none";

/** What an orchestrator should reserve. */
export type Resources = {
  /** Main memory, in MiB. */
  memory_mb: number,
  /** Processor cores. */
  cpus: number,
  /** GPUs. */
  gpus: number,
};

/** How the length of a side that follows from the aspect ratio becomes a whole number. */
export type Rounding = "floor" | "round" | "half-up" | "ceil" | "detr";

/** A mask as run lengths of COCO's format, not compressed: column by column, zeros first. */
export type RunLengths = {
  /** Height and width, in pixels. */
  size: [number, number],
  /** Lengths of the runs, of zeros and ones in turn. */
  counts: Array<number>,
};

/** One sample. */
export type Sample = {
  /** Opaque and stable: also names its pictures (`/thumb/ID`, `/large/ID`). */
  id: number,
  /** The file's name, or its path relative to the folder that was given. */
  name: string,
  /** What the newest preview made of it; `None` while it waits. */
  outcome: Outcome | null,
  /** Counts the thumbnails made for it: 0 is none, and part of the picture's address. */
  thumbnail: number,
  /** Width and height of the upright picture, in pixels. */
  picture: [number, number] | null,
  /** What its file says about itself, once a preview has read it. */
  details: PictureDetails | null,
};

/** Why one sample has no prediction. */
export type SampleError = {
  /** A code of the contract, mostly `SampleUnreadable`. */
  code: string,
  /** What is wrong with the sample and what to do, in words. */
  message: string,
};

/** What the range of the pixels is, before mean and std. */
export type Scale = "fixed" | "photo-maximum";

/** A class of a segmentation. */
export type SegmentClass = {
  /** The label, or the index in decimal where there is none. */
  class: string,
  /** The index of the class, as in the mask. */
  index: number,
  /** Its pixels. */
  pixels: number,
};

/** One class a pixel. */
export type Segmentation = {
  /** Width of the mask and the photo, in pixels. */
  width: number,
  /** Height, likewise. */
  height: number,
  /** The classes that the mask holds, by their index. */
  classes: Array<SegmentClass>,
  /** A grey PNG in base64: the class index of each pixel, of 8 bits up to 256 classes, else of 16. */
  mask: string,
};

/** Remembered choices. */
export type Settings = {
  /** `system`, `light` or `dark`. */
  theme: string,
  /** Most pixels of a picture, judged before decoding. */
  max_pixels: number,
  /** Samples in one run of the model for previews; 0 for the package's. */
  batch_size: number,
  /** Targets that are ticked. */
  targets: Array<string>,
  /** The registry that was published to last; empty for an archive. */
  registry: string,
  /** The repository's prefix that was published to last, without the package's name. */
  namespace: string,
  /** Whether a published image is proven. */
  prove: boolean,
  /** Registries other than localhost that may be spoken to without TLS. */
  plain_http: Array<string>,
};

/** What `sign_in` takes from the page. */
export type SignIn = {
  /** Host and port. */
  registry: string,
  /** The user's name there. */
  username: string,
  /** The password or token. */
  password: string,
  /** Where to store it. */
  store: CredentialStore,
  /** The user allows this registry to be spoken to without TLS. */
  plain_http: boolean,
  /**
   * The token server (host and port) that the user allows to get the password, after
   * [`SignInOutcome::RealmUntrusted`].
   */
  trust_realm: string | null,
};

/** What became of a sign-in. */
export type SignInOutcome = { "outcome": "signed-in",
/** The account, and where the password is stored. */
account: Account, } | { "outcome": "not-asked",
/** Host and port. */
registry: string, } | { "outcome": "realm-untrusted",
/** Host and port. */
registry: string,
/** Host and port of the token server. */
realm: string,
};

/** What goes into a model and what comes out. */
export type Signature = {
  /** Inputs without a default value, in the model's order. */
  inputs: Array<TensorSpec>,
  /** Outputs, in the model's order. */
  outputs: Array<TensorSpec>,
};

/** Order of the numbers of a size. */
export type SizeOrder = "wh" | "hw";

/**
 * All that the window shows; read once at start and after a reload, then kept current by
 * [`Event`]s.
 */
export type State = {
  /** The open package; `None` before the first model. */
  document: Document | null,
  /** The samples and what was predicted. */
  preview: Preview,
  /** What the guess can't be sure of, until it is answered or dismissed. */
  question: Question | null,
  /** The search for a notebook's recipe, while one is open. */
  recipe: RecipeSearch | null,
  /** Jobs that run or have ended since the program started, newest first. */
  jobs: Array<Job>,
  /** Images that were published or built, newest first. */
  history: Array<Published>,
  /** Packages that were open before, newest first. */
  recent: Array<Recent>,
  /** Registries with credentials. */
  accounts: Array<Account>,
  /** The tick boxes. */
  targets: Array<TargetChoice>,
  /** The presets of preprocessing. */
  presets: Array<PresetChoice>,
  /** The decoders of boxes. */
  decoders: Array<DecoderChoice>,
  /** Remembered choices. */
  settings: Settings,
  /** The program's version. */
  version: string,
};

/** How a side becomes a multiple of the stride. */
export type StrideRounding = "up" | "nearest" | "down";

/** One tick box. */
export type TargetChoice = {
  /** `cpu`, `arm64`, `gpu`, `arm64-gpu`, `jetson`. */
  target: string,
  /** The title: `CPU`, `ARM`, … */
  title: string,
  /** `linux/amd64`. */
  platform: string,
  /** Compressed bytes of base and runtime; 0 where not installed. */
  size: number,
  /** Why it can't be ticked, where it can't. */
  unavailable: string | null,
  /** What it then needs, in a few words: `ONNX Runtime's CUDA build and …`. */
  needs: string | null,
};

/** What the outputs mean. */
export type Task = "classification" | "detection" | "rotated-detection" | "pose" | "instance-segmentation" | "segmentation" | "matte" | "embedding" | "text" | "raw";

/** Name, element type and shape of one input or output. */
export type TensorSpec = {
  /** The name by which the model knows the tensor. */
  name: string,
  /** Element type. */
  datatype: DataType,
  /** Axes, outermost first; `None` where the model does not say even the rank. */
  shape: Array<Dimension> | null,
};

/** A line of text. */
export type TextLine = {
  /** The text. */
  value: string,
  /** The mean score of its characters; 0 where there are none. */
  score: number,
};

/**
 * Where the time went. Stage times are sums over all threads, in milliseconds; they overlap, so
 * together they can exceed `wall_ms`.
 */
export type Timing = {
  /** Reading the model and creating the session. */
  load_ms: number,
  /** Decoding pictures. */
  decode_ms: number,
  /** Resizing, cropping and normalising. */
  preprocess_ms: number,
  /** Running the model. */
  infer_ms: number,
  /** Activation, ranking and labels. */
  postprocess_ms: number,
  /** From the first sample read to the last result sent. */
  wall_ms: number,
  /** Samples predicted in a second of wall time. */
  images_per_second: number,
};

/** What progress is counted in. */
export type Unit = "bytes" | "images";

/** What is resized to the size of the photo. */
export type Upsample = "scores" | "classes";

/** How well a recipe does. */
export type Verdict = "exact" | "near" | "none";
