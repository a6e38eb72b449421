import type { Row } from './judge.ts'
import { statuses, type Status } from './verdict.ts'

const marks: Readonly<Record<Status, string>> = { holds: '✓', partial: '◐', fails: '✗', unchecked: '·' }
const evidenceWidth = 88

/** The rows for a person: what was seen in full, what is not built in one line each, and the count. */
export function table(rows: readonly Row[]): string {
  const lines = rows.flatMap((row) => rowLines(row))
  return [...lines, '', counts(rows)].join('\n')
}

function rowLines({ id, status, evidence }: Row): string[] {
  const [first = '', ...rest] = wrap(evidence)
  const head = `${marks[status]} ${id.padEnd(4)}${status.padEnd(11)}`
  return [`${head}${first}`, ...rest.map((line) => ' '.repeat(head.length) + line)]
}

function counts(rows: readonly Row[]): string {
  return statuses.map((status) => `${rows.filter((row) => row.status === status).length} ${status}`).join(', ')
}

function wrap(text: string): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > evidenceWidth) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}
