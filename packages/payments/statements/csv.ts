/** What a spreadsheet takes for a formula (OWASP, CSV injection): the first character decides. */
const formulaStart = /^[=+\-@\t\r]/

/**
 * Writes rows as CSV (RFC 4180): every cell in quotes, quotes doubled. Text that a spreadsheet would run gets an apostrophe
 * in front.
 */
export function csv(rows: readonly (readonly (string | number | null)[])[]): string {
  return rows.map((row) => row.map(cell).join(',')).map((line) => `${line}\r\n`).join('')
}

function cell(value: string | number | null): string {
  if (value === null) return '""'
  const text = typeof value === 'string' && formulaStart.test(value) ? `'${value}` : String(value)
  return `"${text.replaceAll('"', '""')}"`
}
