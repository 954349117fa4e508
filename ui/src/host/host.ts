/** What the page needs from where it runs. Nothing else in the page knows the shell. */
import type {
  Doctor,
  Document,
  Event,
  ExportFormat,
  Package,
  Pick,
  Preprocess,
  PublishRequest,
  ReportImage,
  Settings,
  SignIn,
  SignInOutcome,
  State,
} from "../generated/contract";

/** The studio's commands. Each may throw a `Failure`. */
export interface Commands {
  state(): Promise<State>;
  pick(what: Pick): Promise<void>;
  openRecent(id: number): Promise<void>;
  openSample(): Promise<void>;
  closeDocument(): Promise<void>;
  edit(revision: number, pkg: Package): Promise<Document>;
  undo(): Promise<Document>;
  redo(): Promise<Document>;
  save(): Promise<Document>;
  revert(): Promise<Document>;
  preset(name: string): Promise<Preprocess>;
  preview(): Promise<void>;
  cancelPreview(): Promise<void>;
  removeSamples(ids: number[]): Promise<void>;
  clearSamples(): Promise<void>;
  export(format: ExportFormat): Promise<string | null>;
  /** Kept; or, before the password goes to a server on another host, that the user has to be asked. */
  signIn(request: SignIn): Promise<SignInOutcome>;
  signOut(registry: string): Promise<void>;
  keychainAvailable(): Promise<boolean>;
  /** The job, or nothing where the dialog that asks for the archive was dismissed. */
  publish(request: PublishRequest): Promise<number | null>;
  /** The command that runs a published image with Docker. */
  dockerRun(image: ReportImage): Promise<string>;
  cancelJob(id: number): Promise<void>;
  /** The job that took its place. */
  retryJob(id: number): Promise<number>;
  dismissJob(id: number): Promise<void>;
  setSettings(settings: Settings): Promise<void>;
  doctor(): Promise<Doctor>;
  /** Closes the window whatever is unsaved or runs. */
  closeWindow(): Promise<void>;
  copyText(text: string): Promise<void>;
}

export interface Listener {
  /** Something changed. */
  event: (event: Event) => void;
  /** Events were lost: this is how everything stands. */
  state: (state: State) => void;
  /** Files are over the window, or no longer are. */
  drag: (over: boolean) => void;
}

export interface Host extends Commands {
  listen(to: Listener): Promise<void>;
  /** The address of a sample's small picture; `version` counts the pictures made for it. */
  thumbnail(id: number, version: number): string;
  /** The address of a sample's large picture. */
  large(id: number): string;
  /** The first preview is over and painted. */
  settled(): Promise<void>;
}
