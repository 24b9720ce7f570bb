// Drawing is gathered: however much changes, the page is rendered once in an animation frame.

let paint = () => {};
let asked = false;

/** What draws the page. */
export function drawWith(painter) {
  paint = painter;
}

/** Draw soon. */
export function redraw() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    paint();
  });
}
