// The columns that /map/sites packs, unpacked.

const SIXTEEN = 2 ** 16;

/** Names, one a line, each after a digit of base 36: how many characters it has in common with the one before. */
export function names(text) {
  let before = "";
  return text ? text.split("\n").map((line) => (before = before.slice(0, parseInt(line[0], 36)) + line.slice(1))) : [];
}

/** Numbers of 24 bits in base64: the lowest byte of each, then the middle ones, then the highest. */
export function numbers(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const count = bytes.length / 3;
  return Array.from({ length: count }, (_, index) => bytes[index] + 256 * bytes[count + index] + SIXTEEN * bytes[2 * count + index]);
}
