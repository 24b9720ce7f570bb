// What is said, in the language of whoever reads; every text stands in words/zh.js and words/en.js.

const KEPT = "citybrain.language";
const spoken = {}; // words by language, as far as they have been asked for

export let language = localStorage.getItem(KEPT) === "en" ? "en" : "zh";

/** Speak another language from now on; who calls draws the page anew. */
export async function speak(other) {
  spoken[other] ??= (await import(`../words/${other}.js`)).WORDS;
  language = other;
  localStorage.setItem(KEPT, other);
  document.documentElement.lang = other === "en" ? "en" : "zh-CN";
}

await speak(language);

/** The text of a key such as `overview.queue`, with `{name}` filled in; a key that is nowhere is shown, so that it is seen. */
export function say(key, values = {}) {
  const found = key.split(".").reduce((part, name) => part?.[name], spoken[language]);
  return typeof found === "string" ? found.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "") : key;
}

/** Whether there is a text of that key. */
export const known = (key) => typeof key.split(".").reduce((part, name) => part?.[name], spoken[language]) === "string";

/** One of a text in both languages, `{zh, en}`; null stays null. */
export const pick = (both) => both?.[language] ?? both?.zh ?? null;
