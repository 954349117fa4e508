/** What the page needs from the program that shows it. Only this folder uses the shell's API. */
import type {
  Doctor,
  Document,
  Event,
  ExportFormat,
  Package,
  Pick,
  PublishRequest,
  RecipeChoice,
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
  /** Makes the package one of a preset, in one step. */
  applyPreset(name: string): Promise<Document>;
  /** The package's pipeline as Python. */
  python(): Promise<string>;
  preview(): Promise<void>;
  cancelPreview(): Promise<void>;
  /** These are on screen, and predicted before the others. */
  setInView(ids: number[]): Promise<void>;
  removeSamples(ids: number[]): Promise<void>;
  clearSamples(): Promise<void>;
  /** Makes the package that of an answer to the question, in one step. */
  answerQuestion(answer: number): Promise<Document>;
  /** Keeps the guess, and asks no more. */
  dismissQuestion(): Promise<Document>;
  removeRecipeFile(place: number): Promise<void>;
  chooseForRecipe(choice: RecipeChoice): Promise<void>;
  searchRecipe(): Promise<void>;
  /** Back to choosing: cancels the search, or drops its answer. */
  cancelRecipe(): Promise<void>;
  closeRecipe(id: number): Promise<void>;
  /** Puts the recipe that was found into the package, or one of those that do as well. */
  useRecipe(same: number | null): Promise<Document>;
  export(format: ExportFormat): Promise<string | null>;
  /** Writes an example for a package of tensors where the user chooses, and adds it. */
  makeExample(): Promise<void>;
  /** May return that the user has to allow sending the password to another host first. */
  signIn(request: SignIn): Promise<SignInOutcome>;
  signOut(registry: string): Promise<void>;
  keychainAvailable(): Promise<boolean>;
  /** The id of the job; `null` if the dialog for the archive was dismissed. */
  publish(request: PublishRequest): Promise<number | null>;
  /** The command that runs a published image with Docker. */
  dockerRun(image: ReportImage): Promise<string>;
  cancelJob(id: number): Promise<void>;
  /** The id of the job that replaces it. */
  retryJob(id: number): Promise<number>;
  dismissJob(id: number): Promise<void>;
  setSettings(settings: Settings): Promise<void>;
  doctor(): Promise<Doctor>;
  /** Closes the window, even with unsaved edits or running jobs. */
  closeWindow(): Promise<void>;
  copyText(text: string): Promise<void>;
}

export interface Listener {
  /** The state changed. */
  event: (event: Event) => void;
  /** Events were lost: the whole state. */
  state: (state: State) => void;
  /** Files are over the window, or no longer are. */
  drag: (over: boolean) => void;
}

export interface Host extends Commands {
  listen(to: Listener): Promise<void>;
  /** The URL of a sample's thumbnail; `version` increases with each new thumbnail. */
  thumbnail(id: number, version: number): string;
  /** The URL of a sample's large picture. */
  large(id: number): string;
  /** The URL of the picture of where the recipe of a search's run differs. */
  heatMap(id: number, run: number): string;
  /** Reports that the first preview is over and painted. */
  settled(): Promise<void>;
}
