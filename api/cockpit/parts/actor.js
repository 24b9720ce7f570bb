// Who did it, as the audit names them: a person, a token, who used the command line, or nobody that is known.

import { say } from "../core/words.js";

const KINDS = ["command", "token"];

/** The name of an actor in words: `token:grafana`, `command:root`, `nobody`; a person's name stays as it is. */
export function actor(label) {
  if (label === "nobody") return say("actor.nobody");
  const [kind, ...name] = label.split(":");
  return KINDS.includes(kind) ? say(`actor.${kind}`, { name: name.join(":") }) : label;
}
