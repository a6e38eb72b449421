import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { sealedPaymentSchema, vaultValueLengthMax } from '@ngome/contracts'
import { newId, systemClock, systemRandom } from '@ngome/kernel'
import { purposeRules, revealRule, type PurposeRule } from './purposes.ts'

/**
 * What one record holds at most, in bytes, by the bounds of what the gateway takes: a note of 160 characters beside the
 * payment's other fields; a webhook's secret; a callback's body; a vault value in a body of 16 KiB, and its padding;
 * a forward's template, which is such a body.
 */
const recordBytesMax: Readonly<Record<string, number>> = {
  payments: 1_024,
  payout_batch_openings: 5_120,
  payout_batch_parts: 65_536,
  webhook_endpoints: 128,
  callback_hints: 8_192,
  vault_tokens: 16_640,
  forwards: 20_480,
}

const threatModel = readFileSync(new URL('../../../docs/threat-model.md', import.meta.url), 'utf8').replace(/\s+/g, ' ')

/** What a stolen certificate of the dispatcher opens within an hour, all purposes together. */
function perHour(rules: readonly PurposeRule[]): { readonly openings: number; readonly bytes: number } {
  return rules.filter(({ caller }) => caller === 'dispatcher').reduce((sum, { table, perHourMax }) => {
    const bytes = recordBytesMax[table]
    assert.ok(bytes !== undefined, `say here how much a record of ${table} holds`)
    return { openings: sum.openings + perHourMax, bytes: sum.bytes + perHourMax * bytes }
  }, { openings: 0, bytes: 0 })
}

function saidOf({ openings, bytes }: { readonly openings: number; readonly bytes: number }): string {
  return `${openings.toLocaleString('en')} openings and ${bytes.toLocaleString('en')} bytes an hour`
}

test('the threat model says what a stolen certificate of the dispatcher opens within an hour', () => {
  const said = saidOf(perHour(Object.values(purposeRules)))
  assert.ok(threatModel.includes(said), `docs/threat-model.md should say: ${said}`)
})

test('and a budget that grows, or a purpose that joins, makes the figure stale', () => {
  const grown = { ...purposeRules, dispatch: { ...purposeRules.dispatch, perHourMax: purposeRules.dispatch.perHourMax + 1 } }
  for (const rules of [Object.values(grown), [...Object.values(purposeRules), purposeRules.enquiry]]) {
    assert.equal(threatModel.includes(saidOf(perHour(rules))), false)
  }
})

test('the threat model says how much people can have revealed', () => {
  for (const said of [`${revealRule.perPersonHourMax} reveals an hour`, `${revealRule.perHourMax} in all`]) {
    assert.ok(threatModel.includes(said), `docs/threat-model.md should say: ${said}`)
  }
})

test('no payment holds more than is said here', () => {
  const largest = sealedPaymentSchema.parse({
    payer: { phone: '+999999999999999' }, amount_minor: '9'.repeat(18), currency: 'EUR', direction: 'collection', network: 'n'.repeat(32),
    payee: newId('merchant', { clock: systemClock, random: systemRandom }), description: '𝒳'.repeat(80), reference: 'r'.repeat(64),
  })
  assert.ok(Buffer.byteLength(JSON.stringify(largest)) <= (recordBytesMax['payments'] ?? 0))
  assert.ok(vaultValueLengthMax * 4 <= (recordBytesMax['vault_tokens'] ?? 0))
})
