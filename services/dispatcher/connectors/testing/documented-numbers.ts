import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { failureCodes, type FailureCode, type PaymentDirection } from '@ngome/contracts'
import type { ExpectedFailure, NetworkUnderTest } from './network-under-test.ts'

const document = new URL('../../../../docs/test-numbers.md', import.meta.url)
const columns: Readonly<Record<string, PaymentDirection>> = { payment: 'collection', payout: 'payout', refund: 'refund' }
const codes: ReadonlySet<string> = new Set(failureCodes)

/** What merchants are told to try is what the other tests of this suite see to be so. */
export function testDocumentedNumbers({ name, fails, refuses, payBy }: NetworkUnderTest): void {
  test('its test numbers are documented for merchants, with what becomes of them', () => {
    const found = numbersOf(readFileSync(document, 'utf8'), payBy === 'card' ? 'Cards' : name)
    for (const direction of Object.values(columns)) {
      assert.deepEqual(found[direction].toSorted(byPhone), [...fails[direction], ...refuses[direction]].toSorted(byPhone), direction)
    }
  })

  test('a number that is documented with another end would be noticed', () => {
    const text = '## Any\n| number | payment |\n|---|---|\n| +467 | `not_allowed` |\n| +468 | `succeeded` |\n\n## Other\n| number | refund |\n|---|---|\n| +469 | `not_allowed` |'
    assert.deepEqual(numbersOf(text, 'Any'), { collection: [{ phone: '+467', failure: 'not_allowed' }], payout: [], refund: [] })
  })
}

/** The cells of a section's tables that begin with a code of ours. */
function numbersOf(text: string, heading: string): Record<PaymentDirection, ExpectedFailure[]> {
  const section = text.split(/^## /m).find((one) => one.startsWith(`${heading}\n`)) ?? ''
  const found: Record<PaymentDirection, ExpectedFailure[]> = { collection: [], payout: [], refund: [] }
  let directions: readonly (PaymentDirection | undefined)[] = []
  for (const line of section.split('\n').filter((one) => one.startsWith('|'))) {
    const [, phone = '', ...cells] = line.split('|').map((cell) => cell.trim())
    if (phone === 'number') directions = cells.map((cell) => columns[cell])
    for (const [at, cell] of cells.entries()) {
      const direction = directions[at]
      const failure = /^`([a-z_]+)`/.exec(cell)?.[1]
      if (direction !== undefined && isCode(failure)) found[direction].push({ phone, failure })
    }
  }
  return found
}

function isCode(text: string | undefined): text is FailureCode {
  return text !== undefined && codes.has(text)
}

function byPhone(a: ExpectedFailure, b: ExpectedFailure): number {
  return a.phone < b.phone ? -1 : 1
}
