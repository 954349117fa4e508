/** Sizes, in pixels, that the virtual grid and the styles share. */
export const minimumWidth = 190;
export const gap = 12;
/** Padding left and right of the grid. */
export const side = 16;
export const pictureHeight = 132;
/** Lines of a prediction on a card. */
export const linesPerCard = 3;
export const cardHeight = pictureHeight + 10 + linesPerCard * 22 + (linesPerCard - 1) * 6 + 14;
export const overscan = 2;
