/**
 * The time of a row, in milliseconds. What is none, as the `infinity` that PostgreSQL knows, is none here either: such a row fails alone,
 * where it is looked at, and not the page that it stands in.
 */
export function timeOf(at: Date): number {
  return Number(at)
}
