// Elements, and bringing the page to a new state without touching what stays the same.

const SVG = new Set(["svg", "path", "polygon"]);

/** An element: `h("p", {class: "dim"}, "text", child, null, [more])`; what is null or false is left out. */
export function h(tag, attributes, ...children) {
  const element = SVG.has(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) if (value != null && value !== false) element.setAttribute(name, value);
  element.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return element;
}

/** Make `live` like `fresh`, node by node, so that focus and scrolling stay and nothing flickers. */
export function morph(live, fresh) {
  if (live.nodeType !== fresh.nodeType || live.nodeName !== fresh.nodeName) {
    live.replaceWith(fresh);
    return;
  }
  if (live.nodeType === Node.TEXT_NODE) {
    if (live.data !== fresh.data) live.data = fresh.data;
    return;
  }
  // What a person has opened stays open: the page never opens or closes anything itself.
  for (const { name } of [...live.attributes]) if (!fresh.hasAttribute(name) && name !== "open") live.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (live.getAttribute(name) !== value) live.setAttribute(name, value);
  const young = [...fresh.childNodes];
  dropGone(live, young);
  young.forEach((node, i) => {
    const old = keyed(live, node) ?? live.childNodes[i];
    if (!old || keyOf(old) !== keyOf(node)) live.insertBefore(node, live.childNodes[i] ?? null);
    else {
      if (old !== live.childNodes[i]) live.insertBefore(old, live.childNodes[i]);
      morph(old, node);
    }
  });
  while (live.childNodes.length > young.length) live.lastChild.remove();
}

// A child with `data-key` stays the same one wherever it moves to.
const keyOf = (node) => node.dataset?.key;
const keyed = (live, { dataset }) => dataset?.key && [...live.children].find((child) => keyOf(child) === dataset.key);

/** Take away first what is gone, so that what follows need not move, which would cost it the focus. */
function dropGone(live, young) {
  const keys = new Set(young.map(keyOf));
  for (const child of [...live.children]) if (keyOf(child) && !keys.has(keyOf(child))) child.remove();
}
