// A rule's condition as an operator reads it: names become titles, limits become amounts, spans become words.

import { unit } from "../../core/format.js";
import { known, pick, say } from "../../core/words.js";
import { amount } from "../../parts/limits.js";

const SPAN = /^(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/;
const CALL = /\b(abs|avg|min|max|delta|usual|coalesce)\(([^()]*)\)/;
const LEVEL = /(abs\()?\bvalue\b\)?\s*(<=?|>=?)\s*([a-z_]\w*)(?!\s*[*/(+\w-])/g;
const SIGNS = [
  [/<=/g, "≤"],
  [/>=/g, "≥"],
  [/(?<=\S)\s*\*\s*/g, " × "],
  [/\s-\s/g, " − "],
  [/(?<![\w)])-(?=\S)/g, "−"],
];

/** A duration, hold or count of a rule file, such as 5m, `2 samples` or `3 intervals`, in words. */
export function duration(text) {
  const counted = /^(\d+) (sample|interval)s?$/.exec(text);
  if (counted) return say(`alert.span.${counted[2]}`, { n: counted[1] });
  const among = /^(\d+) of (\d+) samples?$/.exec(text);
  if (among) return say("alert.span.among", { n: among[1], of: among[2] });
  const parts = SPAN.exec(text);
  if (!parts) return text;
  return ["w", "d", "h", "m", "s"]
    .map((name, index) => parts[index + 1] && say(`alert.span.${name}`, { n: parts[index + 1] }))
    .filter(Boolean)
    .join(" ");
}

/**
 * A condition in words.
 * @param text as the rule says it: delta(value, '5m') <= -limit AND inflow >= rise * usual(inflow, '7d')
 * @param limits those of the alert, by the names that the condition has for them
 * @param titles {name: {zh, en}} of what else it names
 */
export function inWords(text, limits, titles) {
  let told = text.replace(/\s+/g, " ").trim();
  while (CALL.test(told))
    told = told.replace(CALL, (_, name, list) =>
      call(
        name,
        list.split(",").map((part) => part.trim()),
      ),
    );
  const names = {
    ...Object.fromEntries(Object.entries(titles).map(([name, title]) => [name, pick(title)])),
    ...amounts(limits),
  };
  told = told.replace(/(?<![\w'])[a-z_]\w*(?![\w'])/g, (name) => names[name] ?? name);
  for (const word of ["AND", "OR", "NOT"])
    told = told.replace(new RegExp(`\\b${word}\\b`, "g"), say(`alert.logic.${word}`));
  for (const [sign, printed] of SIGNS) told = told.replace(sign, printed);
  return told.replace(/ {2,}/g, " ");
}

const amounts = (limits) => Object.fromEntries(limits.map((limit) => [limit.name, amount(limit)]));

/** A function in words; those that need none become what they are of. */
function call(name, [of, span]) {
  const text = span?.replace(/'/g, "");
  return known(`alert.call.${name}`) ? say(`alert.call.${name}`, { of, span: text && duration(text) }) : of;
}

/**
 * The limits that the reading itself is held against, which are lines in its chart: {limit, at}, `at` in its unit.
 * A limit on a rate, a ratio or another metric is no level of it.
 */
export function levels(condition, limits, measured) {
  const found = new Map();
  for (const [, size, , name] of (condition ?? "").matchAll(LEVEL)) {
    const limit = limits.find((one) => one.name === name && typeof one.value === "number");
    if (!limit || (limit.unit && measured && unit(limit.unit) !== unit(measured))) continue;
    found.set(limit.value, { limit, at: limit.value });
    if (size) found.set(-limit.value, { limit, at: -limit.value });
  }
  return [...found.values()];
}
