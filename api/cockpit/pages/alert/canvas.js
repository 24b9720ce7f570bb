// The element in which ECharts draws; it follows its size, the theme and the language.

import { redraw } from "../../core/draw.js";

/**
 * @param option gives what to draw for {width, height}; null: nothing yet
 * @returns {element, draw(), close()}
 */
export function canvas(option) {
  const element = document.createElement("div");
  element.className = "canvas";
  let chart = null;
  let over = false;

  async function begin() {
    const { init } = await import("../../vendor/echarts.js");
    if (over) return;
    chart = init(element, null, { renderer: "canvas" });
    draw();
  }

  function draw() {
    if (!chart) return;
    const [width, height] = [element.clientWidth, element.clientHeight];
    const drawn = width && height ? option({ width, height }) : null;
    if (drawn) chart.setOption(drawn, { replaceMerge: ["series", "grid", "xAxis", "yAxis"] });
  }

  const size = new ResizeObserver(() => {
    chart?.resize();
    draw();
    redraw(); // what stands beside it follows its size, too
  });
  const dress = new MutationObserver(draw);
  size.observe(element);
  dress.observe(document.documentElement, { attributeFilter: ["data-theme", "lang"] });
  const begun = begin();
  return {
    element,
    draw,
    close() {
      over = true;
      size.disconnect();
      dress.disconnect();
      begun.then(() => chart?.dispose());
    },
  };
}
