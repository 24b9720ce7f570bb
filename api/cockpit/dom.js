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
  for (const { name } of [...live.attributes]) if (!fresh.hasAttribute(name)) live.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (live.getAttribute(name) !== value) live.setAttribute(name, value);
  const [old, young] = [[...live.childNodes], [...fresh.childNodes]];
  young.forEach((node, i) => (old[i] ? morph(old[i], node) : live.append(node)));
  old.slice(young.length).forEach((node) => node.remove());
}
