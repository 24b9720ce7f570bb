// Open alerts: what is wrong, where, by how much, since when, and what is due.

import { h } from "./dom.js";
import { number, span, unit } from "./format.js";

const DEFAULT = "platform default"; // the source of limits that no standard gives
const SIGNS = { "<": "<", "<=": "≤", ">": ">", ">=": "≥" };
const SHAPES = {
  1: "M7 .6L13.4 7L7 13.4L.6 7z",
  2: "M7 .8L13.6 12.8L.4 12.8z",
  3: "M1.2 1.2L12.8 1.2L12.8 12.8L1.2 12.8z",
  4: "M7 1a6 6 0 1 0 0 12a6 6 0 1 0 0 -12z",
};

/** The shape of a severity, which its word goes with: hollow where the condition has cleared. */
export const glyph = (severity, raised = true) =>
  h("svg", { class: raised ? "glyph" : "glyph hollow", viewBox: "0 0 14 14", "aria-hidden": "true" }, h("path", { d: SHAPES[severity] }));

/** The panel of open alerts; one line where there is none. */
export function alerts({ status, now }, words, calendar) {
  const { say } = words;
  const { counts, first } = status.alerts;
  const total = (field) => counts.reduce((sum, count) => sum + count[field], 0);
  const more = total("raised") + total("cleared") - first.length;
  return h("section", { class: "panel alerts", "aria-labelledby": "alerts" },
    h("h2", {}, h("span", { id: "alerts" }, say("alerts")),
      counts.filter(({ raised }) => raised).map(({ severity, raised }) =>
        h("small", { class: `severity-${severity}` }, glyph(severity), `${words.severity(severity)} ${number(raised)}`)),
      total("cleared") > 0 && h("small", {}, say("alerts_cleared", { n: number(total("cleared")) })),
      total("failing") > 0 && h("small", { class: "wrong" }, say("alerts_failing", { n: number(total("failing")) })),
      !first.length && h("small", {}, say("alerts_empty"))),
    first.length > 0 && h("div", { class: "scroll" },
      h("ol", {}, first.map((alert) => item(alert, now, words, calendar))),
      more > 0 && h("p", { class: "empty" }, say("alerts_more", { n: number(more) }))));
}

function item(alert, now, words, calendar) {
  const { say, of } = words;
  const { text, source } = reading(alert, words, calendar, now);
  const cell = (upper, lower) => h("span", {}, h("span", { class: "clip" }, upper), h("span", { class: "clip" }, lower));
  const unjudged = alert.raised && alert.handling === "new";
  return h("li", { "data-key": alert.id },
    h("details", { class: unjudged ? `severity-${alert.severity} unjudged` : `severity-${alert.severity}` },
      h("summary", { title: alert.advice && of(alert.advice) },
        h("span", { class: "level" }, glyph(alert.severity, alert.raised), words.severity(alert.severity)),
        cell(h("b", {}, of(alert.title)), [of(alert.place), alert.region_title && of(alert.region_title)].filter(Boolean).join(say("sentence"))),
        cell(text, source),
        cell(say("since", { since: calendar.moment(Date.parse(alert.raised_at), now) }), lasting(alert, now, words, calendar)),
        cell(handling(alert, now, words, calendar), due(alert, now, words, calendar))),
      details(alert, words)));
}

/** What was measured against which limit, and where the limit comes from, as short as a row wants it. */
export function reading(alert, words, calendar, now) {
  const { say } = words;
  if (alert.silent_since) return { text: say("heard_last", { time: calendar.moment(Date.parse(alert.silent_since), now) }), source: "" };
  const limit = (name) => alert.limits.find((one) => one.name === name);
  const operand = (name) => (limit(name) ? amount(limit(name), words) : labelled(alert.values.find((one) => one.name === name), words));
  const compared = alert.comparisons.map(({ left, operator, right }) => `${operand(left)} ${SIGNS[operator]} ${operand(right)}`);
  const used = alert.comparisons.flatMap(({ left, right }) => [limit(left), limit(right)]).filter(Boolean);
  if (compared.length) return { text: compared.join(say("list")), source: unique(used.map((one) => provenance(one, words))) };
  return {
    text: alert.values.map((one) => labelled(one, words)).join(say("list")),
    source: unique(alert.limits.map((one) => `${amount(one, words)} ${provenance(one, words)}`)),
  };
}

const unique = (texts) => [...new Set(texts)].join("; ");
const labelled = (seen, words) => `${seen.title ? words.of(seen.title) : seen.name} ${amount(seen, words)}`;

function amount({ value, unit: name }, { say }) {
  if (value == null) return say("no_value");
  if (typeof value === "boolean") return say(value ? "yes" : "no");
  return typeof value === "number" ? [number(value), unit(name)].filter(Boolean).join(" ") : value;
}

function provenance({ source, clause, plan, confidence }, { say }) {
  const named = [source === DEFAULT ? say("platform_default") : source, clause, plan].filter(Boolean).join(" ");
  return [named, confidence].filter(Boolean).join(", ");
}

function lasting({ raised, raised_at, cleared_at }, now, words, calendar) {
  if (raised || !cleared_at) return words.say("lasting", { age: span((now - Date.parse(raised_at)) / 1000, words) });
  return words.say("cleared", { time: calendar.moment(Date.parse(cleared_at), now) });
}

function handling(alert, now, words, calendar) {
  const { say } = words;
  const until = (key, time) => time && say(key, { time: calendar.moment(Date.parse(time), now) });
  return [words.handling(alert.handling), alert.crew, until("shelved", alert.shelved_until), until("maintained", alert.maintained_until)]
    .filter(Boolean).join(say("sentence"));
}

function due({ due_step, due_at, overdue }, now, words, calendar) {
  if (!due_at) return "";
  const late = (now - Date.parse(due_at)) / 1000;
  const step = words.step(due_step);
  if (late < 0 && !overdue) return words.say("due", { step, time: calendar.moment(Date.parse(due_at), now) });
  return h("b", { class: "wrong" }, words.say("overdue", { step, age: span(late, words) }));
}

function details(alert, words) {
  const { say, of } = words;
  const row = (title, ...content) => h("div", {}, h("dt", {}, title), h("dd", {}, ...content));
  const confidence = ({ confidence: mark }) => (mark ? ` (${words.confidence(mark[0])})` : "");
  return h("dl", {},
    alert.advice && row(say("advice"), of(alert.advice)),
    alert.values.length > 0 && row(say("measured"), alert.values.map((one) => labelled(one, words)).join(say("list"))),
    alert.limits.map((limit) => row(say("limit"), `${limit.name} = ${amount(limit, words)}${say("sentence")}${provenance(limit, words)}${confidence(limit)}`)),
    row(say("rule"), say("rule_version", { rule: alert.rule, n: alert.version }), alert.failing && h("b", { class: "wrong" }, say("rule_failing"))),
    row(say("subject"), alert.subject),
    row(say("explain"), h("code", {}, `citybrain alert explain ${alert.id}`)));
}
