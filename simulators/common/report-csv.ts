/** Rows as CSV (RFC 4180) without quotes: nothing that the books hold needs any, and what did would be refused. */
export function reportCsv(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => {
    if (row.some((cell) => /[",\r\n]/.test(cell))) throw new Error('a cell of the report would need quotes')
    return `${row.join(',')}\r\n`
  }).join('')
}
