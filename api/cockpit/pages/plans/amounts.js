// Numbers of plans as they are printed.

import { number, unit } from "../../core/format.js";
import { html } from "../../core/lit.js";
import { say } from "../../core/words.js";

const SIGNS = { at_most: "≤", at_least: "≥", about: "≈" };

/** A number with at most two decimals, and no more than it needs. */
export const exact = (value) =>
  number(value, [0, 1].find((n) => Math.abs(value - Number(value.toFixed(n))) < 1e-9) ?? 2);

/** 12.31 % */
export const amount = (value, of) => `${exact(value)} ${unit(of.unit)}`.trim();

/** ≤ 9 % */
export const wanted = (target, of) => `${SIGNS[of.direction]} ${amount(target, of)}`;

/** How far two values lie apart; those of percentages in percentage points, down to the hundredth. */
export function apart(difference, of) {
  if (of.unit !== "%") return amount(Math.abs(difference), of);
  return say("plans.points", { n: hundredths(Math.abs(difference)) });
}

const LEAST = 0.01; // that is printed

const hundredths = (size) => (size > 0 && size < LEAST / 2 ? `< ${LEAST}` : number(size, 2));

/** A change in a year, with its sign. */
export function yearly(change, of) {
  const text = Math.abs(change) < LEAST / 2 ? "≈ 0" : `${change > 0 ? "+" : ""}${number(change, 2)}`;
  return html`<b class="num">${text}</b>
    <small>${say("plans.yearly", { unit: of.unit === "%" ? say("plans.point") : unit(of.unit) })}</small>`;
}
