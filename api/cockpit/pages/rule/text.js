// The text of a rule as its file has it: YAML, in the order in which rules are written. Pure.

const ORDER = [
  "rule",
  "title",
  "mode",
  "metric",
  "silent",
  "query",
  "plan",
  "where",
  "raise",
  "for",
  "clear",
  "keep",
  "severity",
  "limit",
  "limits",
  "ladder",
];
const LAST = ["advice"];
const APART = ["tests"]; // shown on their own
const PLAIN = /^[\p{L}\p{N}_(][^:#{}[\],&*!|>'"%@`]*$/u;

/** A definition without its tests. */
export function text(definition) {
  const rank = (key) => (ORDER.includes(key) ? ORDER.indexOf(key) : LAST.includes(key) ? 100 : 50);
  const keys = Object.keys(definition)
    .filter((key) => !APART.includes(key))
    .sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
  return keys.map((key) => entry(key, definition[key], "")).join("\n");
}

function entry(key, value, indent) {
  if (Array.isArray(value)) return `${indent}${key}:\n${value.map((one) => item(one, `${indent}  `)).join("\n")}`;
  if (value && typeof value === "object") return `${indent}${key}:\n${lines(value, `${indent}  `).join("\n")}`;
  return `${indent}${key}: ${scalar(value, indent)}`;
}

const lines = (object, indent) => Object.keys(object).map((key) => entry(key, object[key], indent));

function item(value, indent) {
  if (!value || typeof value !== "object" || Array.isArray(value)) return `${indent}- ${scalar(value, indent)}`;
  const [first, ...rest] = lines(value, `${indent}  `);
  return [`${indent}- ${(first ?? "").trimStart()}`, ...rest].join("\n");
}

function scalar(value, indent) {
  const plain = String(value ?? "");
  if (plain.includes("\n"))
    return `|\n${plain
      .trimEnd()
      .split("\n")
      .map((line) => `${indent}  ${line}`)
      .join("\n")}`;
  return PLAIN.test(plain) || /^-?[\d.]+$/.test(plain) ? plain : JSON.stringify(plain);
}
