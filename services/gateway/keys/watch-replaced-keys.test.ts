import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CustodianPath } from '@ngome/contracts'
import { generateMerchantKeyPair, signStatement, type DataKey } from '@ngome/envelope'
import { Fault, newId, systemClock, systemRandom, toBase64Url, type MerchantKeyId, type Tenant } from '@ngome/kernel'
import { createLogger, type CustodianClient } from '@ngome/runtime'
import { DataKeys } from './data-keys.ts'
import { MerchantStatements } from './merchant-statements.ts'
import { watchReplacedKeys } from './watch-replaced-keys.ts'

const from = { clock: systemClock, random: systemRandom }
const statementKeys = generateKeyPairSync('ed25519')
const everyMs = 20

/** A custodian that replaces keys, a gateway's keys, and what the gateway says of it. */
async function build(t: { after(fn: () => void): void }) {
  const tenants = [0, 1].map((): Tenant => ({ merchant: newId('merchant', from), world: 'test' }))
  const published = new Map<Tenant, MerchantKeyId>()
  const { publicKey } = await generateMerchantKeyPair('hybrid')
  const state = { isAway: false, isWhole: true, replaced: [] as Tenant[], asked: [] as string[], fetched: [] as Tenant[], onInsert: async () => {} }
  const replace = (tenant: Tenant): void => {
    published.set(tenant, newId('merchantKey', from))
    state.replaced.push(tenant)
  }
  tenants.forEach(replace)
  state.replaced = []
  const statements = new MerchantStatements({
    statementKey: statementKeys.publicKey, clock: systemClock,
    source: {
      tenants: async (after) => (after === null ? tenants : []),
      statements: async (of) => of.flatMap((tenant) => {
        const known = tenants.find(({ merchant }) => merchant === tenant.merchant)
        assert(known !== undefined)
        state.fetched.push(known)
        return toBase64Url(signStatement({
          keyId: published.get(known) ?? assert.fail(), tenant: known, retention: 'payment', period: 1, publicKey, suite: 'hybrid',
          notBeforeMs: systemClock.nowMs() - 60_000, notAfterMs: systemClock.nowMs() + 60_000,
        }, statementKeys.privateKey))
      }),
    },
  })
  const dataKeys = new DataKeys({
    statements, ...from, periodMs: 3_600_000,
    signer: { id: newId('signer', from), privateKey: generateKeyPairSync('ed25519').privateKey },
    store: { insert: () => state.onInsert() },
  })
  const call = async (path: CustodianPath, { since }: { since: string }): Promise<unknown> => {
    assert.equal(path, '/v1/replaced-keys')
    state.asked.push(since)
    if (state.isAway) throw new Fault('custodian/unavailable', 'away')
    return { until: `asked ${state.asked.length}`, tenants: state.replaced, isWhole: state.isWhole }
  }
  const lines: string[] = []
  const logger = createLogger({ process: 'gateway', level: 'info', destination: { write: (line: string) => void lines.push(line) } })
  t.after(watchReplacedKeys({ custodian: { call } as unknown as CustodianClient, statements, dataKeys, ...from, logger, everyMs }))
  await statements.fetchAll()
  state.fetched = []
  const ids = (): Promise<readonly DataKey['id'][]> => Promise.all(tenants.map(async (tenant) => (await dataKeys.current(tenant, 'payment')).id))
  return { tenants, state, replace, ids, lines, dataKeys }
}

const looks = (state: { asked: readonly string[] }, count: number): Promise<void> => until(() => state.asked.length >= count)
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(5)
}

test('what is sealed after the second look is sealed to the new key, and nobody else gets another', async (t) => {
  const { tenants: [first], state, replace, ids, lines } = await build(t)
  assert(first !== undefined)
  const [before, other] = await ids()
  replace(first)
  await looks(state, state.asked.length + 2)
  const [after, same] = await ids()
  assert.notEqual(after, before)
  assert.equal(same, other)
  assert.deepEqual(new Set(state.fetched), new Set([first]))
  await looks(state, state.asked.length + 2)
  assert.deepEqual((await ids())[0], after, 'told again, it keeps the new one')
  assert.equal(lines.filter((line) => line.includes('used no more')).length, 1)
  assert.deepEqual(state.asked.slice(1, 3), ['asked 1', 'asked 2'], 'each look asks from where the last one ended')
})

test('a data key that was being made to the old key while it was replaced is gone with the next look', async (t) => {
  const { tenants: [first], state, replace, dataKeys } = await build(t)
  assert(first !== undefined)
  const gate = Promise.withResolvers<void>()
  state.onInsert = () => gate.promise
  const making = dataKeys.current(first, 'payment')
  await sleep(5)
  replace(first)
  await looks(state, state.asked.length + 2)
  gate.resolve()
  const { id } = await making
  await looks(state, state.asked.length + 2)
  assert.notEqual((await dataKeys.current(first, 'payment')).id, id)
})

test('where the custodian cannot say whose, everybody\u2019s are fetched and looked at', async (t) => {
  const { tenants: [, second], state, replace, ids } = await build(t)
  assert(second !== undefined)
  const [before, other] = await ids()
  replace(second)
  state.replaced = []
  state.isWhole = false
  await looks(state, state.asked.length + 2)
  const after = await ids()
  assert.equal(after[0], before)
  assert.notEqual(after[1], other)
})

test('while the custodian is away it is said once, and asked again from the same time', async (t) => {
  const { tenants: [first], state, replace, ids, lines } = await build(t)
  assert(first !== undefined)
  const [before] = await ids()
  await looks(state, 1)
  state.isAway = true
  replace(first)
  await looks(state, state.asked.length + 3)
  const since = state.asked.at(-1)
  assert.equal(lines.filter((line) => line.includes('not known')).length, 1)
  state.isAway = false
  await looks(state, state.asked.length + 2)
  assert(state.asked.lastIndexOf(since ?? '') < state.asked.length - 1)
  assert.notEqual((await ids())[0], before)
})
