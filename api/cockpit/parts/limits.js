// Limits and readings of alerts in words: no limit is shown without where it comes from.

import { figure, hm, unit } from "../core/format.js";
import { known, pick, say } from "../core/words.js";

const SIGNS = { "<": "<", "<=": "≤", ">": ">", ">=": "≥" };
const DEFAULT = "platform default"; // how rule files call the source of a limit that no standard gives

/** A value of a rule as it is printed; a limit is exact (0.14), so that it is not told with three figures. */
export function exact(value) {
  if (value == null) return say("no_data");
  if (typeof value === "boolean") return say(value ? "yes" : "no");
  if (typeof value !== "number") return String(value);
  return value.toLocaleString("en", { maximumFractionDigits: 6 }).replace("-", "−");
}

/** A limit with its unit: 0.14 MPa. */
export const amount = (limit) => [exact(limit.value), unit(limit.unit)].filter(Boolean).join(" ");

const isDefault = (limit) => limit.source === DEFAULT || limit.confidence === "S";

/** A document as it is called in the language of the page; standards have the same number in each. */
const documentOf = (name) => (known(`document.${name}`) ? say(`document.${name}`) : name);

/** Where a limit comes from, in short: CJJ 58 3.1.3, or that it is the platform's own. */
export function source(limit) {
  if (isDefault(limit)) return say("confidence.S");
  const parts = [limit.source && documentOf(limit.source), clause(limit.clause), limit.plan && say("alert.of_plan", { plan: limit.plan })];
  return parts.filter(Boolean).join(" ") || say("alert.no_source");
}

/** How sure that is; nothing for a platform default, which is nobody else's. */
export const confidence = (limit) =>
  isDefault(limit) || !limit.confidence ? "" : say(`confidence.${limit.confidence[0]}`);

/** Both: CJJ 58 3.1.3, and that one source says so. */
export const provenance = (limit) => [source(limit), confidence(limit)].filter(Boolean).join(" · ");

/** The limit that the reading of an alert is held against, and how: {limit, operator}; null where a formula holds more. */
export function heldAgainst(alert) {
  for (const { left, operator, right } of alert.comparisons) {
    const limit = alert.limits.find(({ name }) => name === right);
    if (limit && alert.values.some(({ name }) => name === left)) return { limit, operator };
  }
  return null;
}

/** The sign of a comparison as it is printed: ≥. */
export const sign = (operator) => SIGNS[operator] ?? "";

/** What an alert was raised by: its reading, or since when nothing is heard of its subject. */
export function seen(alert) {
  if (alert.silent_since) return { text: say("reading.since", { time: hm(alert.silent_since) }), unit: "" };
  const value = alert.values[0];
  if (!value) return null;
  if (typeof value.value === "number") return { text: figure(value.value), unit: unit(value.unit) };
  return { text: [pick(value.title), exact(value.value)].filter(Boolean).join(" "), unit: "" };
}

const clause = (text) => text?.replace(/(, )?\btable (\S+)$/, (_, comma, number) => `${comma ? say("alert.and") : ""}${say("alert.table", { number })}`) ?? null;
