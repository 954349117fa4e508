/** The zoom of the viewer's picture, which keys, buttons, wheel and pointer change. */
import { clamp, fit, fitted, step, zoomAt, type Position, type Size } from "./zoom";

export class Zoom {
  private position = $state.raw<Position>(fitted);
  picture = $state.raw<Size>([1, 1]);
  /** Of the box that the picture lies in, in CSS pixels. */
  width = $state(0);
  height = $state(0);
  private box = $derived<Size>([this.width, this.height]);
  /** The position, also after the window has changed. */
  private now = $derived(clamp(this.position, this.picture, this.box));

  zoomed = $derived(this.now.zoom > 1.001);
  /** The picture's box: left, top, width and height in CSS pixels. */
  frame = $derived.by(() => {
    const [width, height] = fit(this.picture, this.box);
    const { zoom, x, y } = this.now;
    const size = { width: width * zoom, height: height * zoom };
    const left = (this.width - size.width) / 2 + x;
    return { ...size, left, top: (this.height - size.height) / 2 + y };
  });
  /** CSS pixels for a pixel of the picture. */
  scale = $derived(this.frame.width / Math.max(1, this.picture[0]));

  reset(): void {
    this.position = fitted;
  }

  by(factor: number, at: Size = [0, 0]): void {
    this.position = zoomAt(this.now, factor, at, this.picture, this.box);
  }

  pan(x: number, y: number): void {
    const { zoom, x: left, y: top } = this.now;
    this.position = clamp({ zoom, x: left + x, y: top + y }, this.picture, this.box);
  }

  /** Whether the key was one of the zoom's: + − 0, and the arrows while zoomed. */
  key(key: string): boolean {
    const [x, y] = [this.width / 6, this.height / 6];
    if (key === "+" || key === "=") this.by(step);
    else if (key === "-" || key === "_") this.by(1 / step);
    else if (key === "0") this.reset();
    else if (!this.zoomed) return false;
    else if (key === "ArrowLeft") this.pan(x, 0);
    else if (key === "ArrowRight") this.pan(-x, 0);
    else if (key === "ArrowUp") this.pan(0, y);
    else if (key === "ArrowDown") this.pan(0, -y);
    else return false;
    return true;
  }
}
