// What open alerts come to: how many of which severity and age, and what waits to be judged. Pure.

export const SEVERITIES = [1, 2, 3, 4];
/** Ages in which alerts are counted: below so many minutes; the last has no end. */
export const AGES_MIN = [15, 60, 240, 1440, Infinity];

const MINUTE_MS = 60_000;

const zeros = () => ({ 1: 0, 2: 0, 3: 0, 4: 0 });

/** Whether an alert is shelved or in maintenance: nobody is asked to do anything about it. */
export const silenced = (alert) => Boolean(alert.shelved_until || alert.maintained_until);

/** Whether somebody still has to judge it. */
export const waits = (alert) => alert.handling === "new" && !silenced(alert);

/** Whether its deadline is over. */
export const overdue = (alert, now) => !silenced(alert) && alert.due_at != null && Date.parse(alert.due_at) < now;

/** Counts by severity (open, waiting, overdue), by severity and age, and the worst severity that waits (null: none). */
export function summary(alerts, now) {
  const found = { open: zeros(), waiting: zeros(), late: zeros(), ages: SEVERITIES.map(() => AGES_MIN.map(() => 0)) };
  for (const alert of alerts) {
    found.open[alert.severity] += 1;
    if (waits(alert)) found.waiting[alert.severity] += 1;
    if (overdue(alert, now)) found.late[alert.severity] += 1;
    const minutes = (now - Date.parse(alert.raised_at)) / MINUTE_MS;
    found.ages[alert.severity - 1][AGES_MIN.findIndex((below) => minutes < below)] += 1;
  }
  return { ...found, worst: SEVERITIES.find((severity) => found.waiting[severity]) ?? null };
}

export const total = (counts) => SEVERITIES.reduce((sum, severity) => sum + counts[severity], 0);

/** The alerts of a list: all, those that wait to be judged (new), those whose deadline is over (late). */
export function listed(alerts, list, now) {
  if (list === "new") return alerts.filter(waits);
  if (list === "late") return alerts.filter((alert) => overdue(alert, now));
  return alerts;
}
