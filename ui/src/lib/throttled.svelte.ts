/** A value that follows another at most once in a while, and at last. */

/** Short enough to be read as live, long enough to leave frames in between free. */
const pauseMs = 150;

export class Throttled<T> {
  value = $state.raw<T>() as T;
  private latest: T;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(value: T) {
    this.value = this.latest = value;
  }

  follow(value: T): void {
    this.latest = value;
    if (this.timer === undefined) this.take();
  }

  private take(): void {
    if (this.value === this.latest) return;
    this.value = this.latest;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.take();
    }, pauseMs);
  }
}
