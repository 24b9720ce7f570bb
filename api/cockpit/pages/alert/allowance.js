// How long each step of the handling may take.

import { say } from "../../core/words.js";

const UNITS = [["d", 86_400], ["h", 3600], ["m", 60], ["s", 1]]; // in seconds

/** A span in the largest unit that it is a whole number of: 15 min, 4 h, 3 d. */
export function brief(seconds) {
  const [name, unit] = UNITS.find(([, length]) => seconds % length === 0);
  return say(`alert.span.${name}`, { n: seconds / unit });
}

/** What a step may take, of an alert as GET /alerts/{id} tells it; null: nobody says. */
export const allowance = (alert, step) => alert.deadlines?.find((one) => one.step === step) ?? null;
