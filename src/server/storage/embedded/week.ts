// Calendar weeks, Monday to Monday in UTC, as numbers and as names (`2028-46`, ISO 8601).

export const weekMs = 7 * 24 * 3_600_000;
const dayMs = 24 * 3_600_000;
/** The first Monday after the epoch. */
const firstMonday = 4 * dayMs;

/** Number of the week in which this instant lies. */
export function weekOf(ms: number): number {
  return Math.floor((ms - firstMonday) / weekMs);
}

/** The instant at which the week is over. */
export function endOfWeek(week: number): number {
  return firstMonday + (week + 1) * weekMs;
}

export function weekName(week: number): string {
  const thursday = new Date(firstMonday + week * weekMs + 3 * dayMs);
  const year = thursday.getUTCFullYear();
  const number = 1 + Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / weekMs);
  return `${year}-${String(number).padStart(2, '0')}`;
}

/** The number of a week by its name; null = no name of a week. */
export function parseWeek(name: string): number | null {
  const match = /^(\d{4})-(\d{2})$/.exec(name);
  if (match === null) return null;
  // The fourth of January is always in week 1.
  const week = weekOf(Date.UTC(Number(match[1]), 0, 4)) + Number(match[2]) - 1;
  return weekName(week) === name ? week : null;
}
