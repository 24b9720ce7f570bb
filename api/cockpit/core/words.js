// What is said, in the language of whoever reads; every text stands in words/zh.js and words/en.js.

import { WORDS as en } from "../words/en.js";
import { WORDS as zh } from "../words/zh.js";

const ALL = { zh, en };
const KEPT = "citybrain.language";

export let language = localStorage.getItem(KEPT) === "en" ? "en" : "zh";

/** Speak another language from now on; who calls draws the page anew. */
export function speak(other) {
  language = other;
  localStorage.setItem(KEPT, other);
  document.documentElement.lang = other === "en" ? "en" : "zh-CN";
}

/** The text of a key such as `overview.queue`, with `{name}` filled in; a key that is nowhere is shown, so that it is seen. */
export function say(key, values = {}) {
  const found = key.split(".").reduce((part, name) => part?.[name], ALL[language]);
  return typeof found === "string" ? found.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "") : key;
}

/** Whether there is a text of that key. */
export const known = (key) => typeof key.split(".").reduce((part, name) => part?.[name], ALL[language]) === "string";

/** One of a text in both languages, `{zh, en}`; null stays null. */
export const pick = (both) => both?.[language] ?? both?.zh ?? null;
