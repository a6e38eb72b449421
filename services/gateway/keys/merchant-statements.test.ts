import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { generateMerchantKeyPair, signStatement } from '@ngome/envelope'
import { ManualClock, newId, systemClock, systemRandom, toBase64Url, type Tenant } from '@ngome/kernel'
import { MerchantStatements } from './merchant-statements.ts'

const from = { clock: systemClock, random: systemRandom }
const statementKeys = generateKeyPairSync('ed25519')
const dayMs = 86_400_000
const graceMs = 600_000
const { publicKey } = await generateMerchantKeyPair('hybrid')

/** A custodian that publishes the present period and one ahead, each key good for ten minutes longer. */
function build() {
  const clock = new ManualClock(1_800_000_000_000 - 1_800_000_000_000 % dayMs)
  const tenant: Tenant = { merchant: newId('merchant', from), world: 'test' }
  const made = new Map<number, string>()
  const statementOf = (period: number): string => {
    const known = made.get(period) ?? toBase64Url(signStatement({
      keyId: newId('merchantKey', from), tenant, retention: 'vault', period, publicKey, suite: 'hybrid',
      notBeforeMs: period * dayMs, notAfterMs: (period + 1) * dayMs + graceMs,
    }, statementKeys.privateKey))
    made.set(period, known)
    return known
  }
  const source = {
    tenants: async (after: unknown) => (after === null ? [tenant] : []),
    statements: async () => [0, 1].map((ahead) => statementOf(Math.floor(clock.nowMs() / dayMs) + ahead)),
  }
  const statements = new MerchantStatements({ source, statementKey: statementKeys.publicKey, clock })
  const periods = async (): Promise<readonly number[]> => {
    const first = Math.floor(1_800_000_000_000 / dayMs)
    return (await statements.published(tenant, 'vault')).map(({ statement }) => statement.period - first)
  }
  return { clock, statements, periods, forget: () => made.clear() }
}

test('one key is published within a period, and where it turns the one that ends as well, newest first', async () => {
  const { clock, statements, periods } = build()
  await statements.fetchAll()
  assert.deepEqual(await periods(), [0])
  clock.advance(dayMs)
  assert.deepEqual(await periods(), [1, 0])
  // The custodian speaks of the ended period no more.
  await statements.fetchAll()
  assert.deepEqual(await periods(), [1, 0])
  clock.advance(graceMs)
  assert.deepEqual(await periods(), [1])
})

test('a key that another has replaced in its period is published no more', async () => {
  const { statements, periods, forget } = build()
  await statements.fetchAll()
  forget()
  await statements.fetchAll()
  assert.deepEqual(await periods(), [0])
})
