/** What a picture's file says about itself, in words. */
import type { PictureDetails } from "../generated/contract";

/** `RGB`, `grey`, `CMYK`: what the samples of a pixel are. */
function colours({ format, channels }: PictureDetails): string {
  switch (channels) {
    case 1:
      return format === "GIF" ? "palette" : format === "JPEG" ? "grey" : "grey or palette";
    case 2:
      return "grey with alpha";
    case 3:
      return "RGB";
    case 4:
      return format === "JPEG" ? "CMYK" : format === "TIFF" ? "4 channels" : "RGBA";
    default:
      return `${channels} channels`;
  }
}

/** `JPEG, 8 bits, RGB · EXIF orientation 6, turned upright`, and a line for a colour profile. */
export function detailLines(details: PictureDetails): string[] {
  const { format, bits, orientation, turned, colour_profile: profile } = details;
  const file = `${format}, ${bits} ${bits === 1 ? "bit" : "bits"}, ${colours(details)}`;
  const turn = turned ? "turned upright" : "left as stored";
  const lines = [orientation === 1 ? file : `${file} · EXIF orientation ${orientation}, ${turn}`];
  if (profile !== null)
    lines.push(`Colour profile ${profile} embedded: left alone, as notebooks do`);
  return lines;
}
