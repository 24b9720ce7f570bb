// Numbers, spans and times as the city writes them.

import { known, language, say } from "./words.js";

const UNITS = { "m3/h": "m³/h", m2: "m²", m3: "m³", "m3/m3": "m³/m³", "ug/m3": "µg/m³", "mg/m3": "mg/m³", degC: "℃", deg: "°" };

let zone = "Asia/Shanghai";
let formats = {};

/** Show times in the city's zone from now on. */
export function setZone(name) {
  zone = name;
  formats = {};
}

function format(key, options) {
  formats[key] ??= new Intl.DateTimeFormat("zh-CN", { timeZone: zone, hour12: false, ...options });
  return formats[key];
}

/** Milliseconds of a time, whether it is given as such or as ISO 8601. */
export const ms = (time) => (typeof time === "number" ? time : Date.parse(time));

/** Year, month, day, hour, minute and second of a time in the city's zone, as texts of two digits (four). */
export function parts(time) {
  const options = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  const found = {};
  for (const { type, value } of format("parts", options).formatToParts(ms(time))) found[type] = value;
  return found;
}

/** 03:12 */
export function hm(time) {
  const { hour, minute } = parts(time);
  return `${hour}:${minute}`;
}

/** 03:12:45 */
export const hms = (time) => `${hm(time)}:${parts(time).second}`;

/** 11-22 */
export function md(time) {
  const { month, day } = parts(time);
  return `${month}-${day}`;
}

/** 2026-11-22 */
export const ymd = (time) => `${parts(time).year}-${md(time)}`;

/** As short as it can be told beside the present: 03:12 today, 11-21 03:12 on another day. */
export const short = (time, now) => (ymd(time) === ymd(now) ? hm(time) : `${md(time)} ${hm(time)}`);

/** A span in ms in words: 12 秒, 2 分, 1 时 11 分, 2 天 3 时. */
export function span(length) {
  const s = Math.max(0, Math.floor(length / 1000));
  if (s < 60) return say("span.s", { s });
  if (s < 3600) return say("span.m", { m: Math.floor(s / 60) });
  if (s < 86400) return say("span.hm", { h: Math.floor(s / 3600), m: Math.floor((s % 3600) / 60) });
  return say("span.dh", { d: Math.floor(s / 86400), h: Math.floor((s % 86400) / 3600) });
}

/** What is left of a deadline (ms, negative: it is over): 02:35 below an hour, else as a span. */
export function countdown(left) {
  const s = Math.floor(Math.abs(left) / 1000);
  const two = (n) => String(n).padStart(2, "0");
  const text = s < 3600 ? `${two(Math.floor(s / 60))}:${two(s % 60)}` : span(s * 1000);
  return left < 0 ? say("span.over", { text }) : text;
}

/** 2,386.5 with so many decimals; null is the word for no data. */
export function number(value, decimals = 0) {
  if (value == null || !Number.isFinite(value)) return say("no_data");
  const options = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return value.toLocaleString(language === "en" ? "en" : "zh-CN", options).replace("-", "−");
}

/** With three figures or so: 118, 63.7, 5.26, 0.071. */
export function figure(value) {
  if (value == null) return say("no_data");
  const size = Math.abs(value);
  if (Number.isInteger(value)) return number(value);
  return number(value, size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
}

/** A unit as it is printed. */
export const unit = (name) => UNITS[name] ?? (known(`unit.${name}`) ? say(`unit.${name}`) : (name ?? ""));
