// In a flood yellow and blue alerts stand as one row for each rule, which opens. Pure.

const LEAST = 3; // severity from which on alerts are folded; red and orange ones never are

/**
 * Alerts as rows of a list.
 * @param alerts in order
 * @param opened rules whose alerts are shown all the same
 * @returns alerts, and instead of several of one rule {fold: rule, severity: the worst, title, count, isOpen}, where the
 *   first of them stands
 */
export function folded(alerts, opened) {
  const byRule = new Map();
  for (const alert of alerts.filter(isFolded)) byRule.set(alert.rule, [...(byRule.get(alert.rule) ?? []), alert]);
  const rows = [];
  for (const alert of alerts) {
    const others = isFolded(alert) ? byRule.get(alert.rule) : [alert];
    if (others.length === 1) rows.push(alert);
    else if (alert === others[0]) rows.push(...fold(others, opened.has(alert.rule)));
  }
  return rows;
}

const isFolded = ({ severity }) => severity >= LEAST;

function fold(alerts, isOpen) {
  const [{ rule, title }] = alerts;
  const severity = Math.min(...alerts.map((alert) => alert.severity));
  return [{ fold: rule, severity, title, count: alerts.length, isOpen }, ...(isOpen ? alerts : [])];
}
