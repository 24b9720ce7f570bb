#!/bin/bash
# Make the libraries of the cockpit anew from npm: one file each, as browsers load them. Nothing of it runs in tests.
set -euo pipefail
cd "$(dirname "$0")"
here=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private": true, "type": "module"}' > package.json
npm install --no-audit --no-fund --save-exact lit-html@3.3.0 leaflet@1.9.4 echarts@6.0.0 esbuild@0.25.12
# 3.3.0: later ones up to 3.3.3 leak a node for each item that `repeat` removes (lit issue 5298).
cat > lit.js <<'LIT'
export { html, nothing, render, svg } from "lit-html";
export { classMap } from "lit-html/directives/class-map.js";
export { live } from "lit-html/directives/live.js";
export { repeat } from "lit-html/directives/repeat.js";
export { styleMap } from "lit-html/directives/style-map.js";
LIT
cat > echarts.js <<'ECHARTS'
import * as echarts from "echarts/core";
import { BarChart, CustomChart, LineChart, ScatterChart } from "echarts/charts";
import { DataZoomComponent, GraphicComponent, GridComponent, MarkAreaComponent, MarkLineComponent, MarkPointComponent,
  TooltipComponent } from "echarts/components";
import { CanvasRenderer } from "echarts/renderers";
echarts.use([BarChart, CustomChart, LineChart, ScatterChart, DataZoomComponent, GraphicComponent, GridComponent,
  MarkAreaComponent, MarkLineComponent, MarkPointComponent, TooltipComponent, CanvasRenderer]);
export const { init } = echarts;
ECHARTS
cat > leaflet.js <<'LEAFLET'
export * from "leaflet/dist/leaflet-src.esm.js";
LEAFLET
for library in lit leaflet echarts; do
  npx esbuild "$library.js" --bundle --minify --format=esm --target=chrome108 --legal-comments=inline --outfile="$here/$library.js"
done
cp node_modules/leaflet/dist/leaflet.css "$here/leaflet.css"
for library in lit-html leaflet echarts; do
  cp "node_modules/$library/LICENSE" "$here/LICENSE.$library"
done
cd "$here"
sha256sum lit.js leaflet.js leaflet.css echarts.js > SHA256SUMS
