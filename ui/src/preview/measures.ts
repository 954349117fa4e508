/** The sizes that the grid's arithmetic and the card's style share, in pixels. */
export const minimumWidth = 190;
export const gap = 12;
/** Left and right of the grid. */
export const side = 16;
export const pictureHeight = 132;
/** Classes on a card. */
export const cardLines = 3;
export const cardHeight = pictureHeight + 10 + cardLines * 22 + (cardLines - 1) * 6 + 14;
export const overscan = 2;
