// Templates. The page's policy allows no style attributes in them: use classes, `.style=${text}`, or attributes of SVG.
export { classMap, html, live, nothing, render, repeat, svg } from "../vendor/lit.js";
