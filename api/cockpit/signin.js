// Signing in and out.

import { h } from "./dom.js";
import { ask } from "./feed.js";

const SESSION = "/api/v1/session";

/** Show the form in `place` until somebody has signed in. */
export async function signIn(place, words) {
  const { document: options } = await ask(`${SESSION}/options`);
  const form = page(words, options?.single_sign_on, comeBack());
  place.replaceChildren(form);
  form.querySelector("input").focus();
  await new Promise((resolve) => form.addEventListener("submit", (event) => {
    event.preventDefault(); // the page's policy forbids forms that go anywhere
    submit(event.target, words).then((done) => done && resolve());
  }));
}

/** End the session, and leave nothing of it on the page. */
export async function signOut() {
  await fetch(SESSION, { method: "DELETE" }).catch(() => {}); // without a server the session stays, as the page will show
  location.reload();
}

/** Why the single sign-on sent somebody back here, if it did; said once. */
function comeBack() {
  const parameters = new URLSearchParams(location.search);
  const reason = parameters.get("sign_on");
  if (reason) {
    parameters.delete("sign_on");
    history.replaceState(null, "", parameters.size ? `?${parameters}` : location.pathname);
  }
  return reason;
}

function page({ say, language }, singleSignOn, reason) {
  const other = language === "en" ? "?" : "?lang=en";
  const problem = { unavailable: "sign_on_unavailable", refused: "sign_on_refused", unknown: "sign_on_unknown" }[reason];
  return h("div", { class: "frame" },
    h("header", { class: "top" }, h("strong", {}, say("title")), h("a", { href: other, title: say("switch_title") }, say("switch"))),
    h("main", { class: "waiting" },
      h("form", { class: "panel sign-in" },
        h("h1", {}, say("sign_in")),
        h("label", {}, say("name"), h("input", { name: "name", autocomplete: "username", autocapitalize: "none", spellcheck: "false", maxlength: 64, required: "" })),
        h("label", {}, say("password"), h("input", { name: "password", type: "password", autocomplete: "current-password", maxlength: 1024, required: "" })),
        h("p", { role: "alert", class: "wrong" }, problem && say(problem)),
        h("button", {}, say("sign_in")),
        singleSignOn && h("a", { class: "button", href: `${SESSION}/sign-on?lang=${language}` }, say("single_sign_on")))),
    h("footer", { class: "foot" }));
}

async function submit(form, { say, language }) {
  const { name, password } = form.elements;
  const said = form.querySelector("[role=alert]");
  const button = form.querySelector("button");
  button.disabled = true;
  said.textContent = "";
  try {
    const headers = { "Content-Type": "application/json", "Accept-Language": language };
    const body = JSON.stringify({ name: name.value, password: password.value });
    const response = await fetch(SESSION, { method: "POST", headers, body });
    if (response.ok) return true;
    said.textContent = (await response.json()).detail;
  } catch {
    said.textContent = say("sign_in_away");
  }
  button.disabled = false;
  password.value = "";
  password.focus();
  return false;
}
