/**
 * LZW as memberlist uses it: least significant bit first, eight-bit literals, codes of 9 to 12
 * bits.
 *
 * A stream opens with the clear code. The width grows when the code to assign next reaches the
 * limit of the width; when the last code of twelve bits would be assigned, the writer clears and
 * starts over. On closing it counts one code more, so the end code may be one bit wider.
 */
export const CLEAR = 256
export const END = 257
export const WIDTH_MIN = 9
export const WIDTH_MAX = 12
export const CODE_LAST = (1 << WIDTH_MAX) - 1
