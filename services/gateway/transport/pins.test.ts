import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, test } from 'node:test'
import { emit, problemSchema, publishedPinSetSchema, type PinSet } from '@ngome/contracts'
import { systemClock, systemRandom } from '@ngome/kernel'
import { signPinSet } from '@ngome/runtime'
import { insertPinSet } from '@ngome/store'
import { rawRequest, type RawAnswer } from '../testing/raw-request.ts'
import { TestGateway } from '../testing/test-gateway.ts'
import { PinSets } from './pin-sets.ts'

const dayMs = 86_400_000
let running: TestGateway
before(async () => { running = await TestGateway.start() })
after(() => running.close())

function setOf(version: number, days = 30): PinSet {
  const nowMs = systemClock.nowMs()
  const pin = { not_before: new Date(nowMs - dayMs).toISOString(), not_after: new Date(nowMs + 400 * dayMs).toISOString() }
  return {
    version, names: ['localhost'], issued_at: pin.not_before, expires_at: new Date(nowMs + days * dayMs).toISOString(),
    pins: [{ ...pin, role: 'current', spki_sha256: `${'A'.repeat(43)}=` }, { ...pin, role: 'backup', spki_sha256: `${'B'.repeat(42)}A=` }],
  }
}

const ask = (): Promise<RawAnswer> => rawRequest({ port: running.port, ca: running.custody.authority.pem },
  'GET /v1/tls/pins HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')

/** What a gateway that starts now would serve of this row. */
function newest(row: { readonly version: number; readonly statement: string } | undefined, at = { ms: 0 }) {
  const logged: unknown[] = []
  const asked = { count: 0 }
  const pinSets = new PinSets({
    find: async () => {
      asked.count++
      return row && { ...row, publishedAtMs: 0 }
    },
    statementKey: running.identity.statementKey, database: running.database.open('ngome_gateway', { poolMax: 1 }),
    clock: systemClock, random: systemRandom, monotonicMs: () => at.ms,
    logger: { error: (line: unknown) => logged.push(line) } as never,
  })
  return { pinSets, logged, asked }
}

test('without a set there is nothing, and with one anybody reads it, as the custodian signed it', async () => {
  const none = await ask()
  assert.equal(none.status, 404)
  assert.equal(problemSchema.parse(JSON.parse(none.body)).code, 'tls/no_pins')
  const set = setOf(1)
  const statement = signPinSet(set, running.custody.authority.statementKeys.privateKey)
  const operator = running.database.open('ngome_operator', { poolMax: 1 })
  const event = emit({ clock: systemClock, random: systemRandom, process: 'operator' }, 'tls.pins_published', null, { version: 1 })
  await insertPinSet(operator, { version: 1, statement, publishedAtMs: systemClock.nowMs() }, event)
  await assert.rejects(insertPinSet(operator, { version: 1, statement, publishedAtMs: 0 }, event), { code: '23505' })
  await assert.rejects(operator.pool.query('UPDATE ngome.pin_sets SET version = 2'))
  const fresh = newest({ version: 1, statement })
  assert.deepEqual(await fresh.pinSets.newest(), { set, statement })
})

test('the answer of a gateway that knows a set is whole, and may be kept for a moment', async () => {
  const deadline = systemClock.nowMs() + 15_000
  let answer = await ask()
  while (answer.status === 404 && systemClock.nowMs() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 500))
    answer = await ask()
  }
  const published = publishedPinSetSchema.parse(JSON.parse(answer.body))
  assert.equal(published.version, 1)
  assert.equal(answer.headers.get('cache-control'), 'public, max-age=300')
})

const forged: readonly (readonly [string, () => { version: number; statement: string }])[] = [
  ['signed by somebody else', () => ({ version: 2, statement: signPinSet(setOf(2), generateKeyPairSync('ed25519').privateKey) })],
  ['of an older version under a newer number', () => ({ version: 9, statement: signPinSet(setOf(1), running.custody.authority.statementKeys.privateKey) })],
  ['of no form', () => ({ version: 3, statement: 'x'.repeat(200) })],
]
for (const [claim, row] of forged) {
  test(`a row ${claim} is not served, and an alarm, once`, async () => {
    const { version, statement } = row()
    const at = { ms: 0 }
    const { pinSets, logged } = newest({ version, statement }, at)
    assert.equal(await pinSets.newest(), undefined)
    at.ms += 10_000
    assert.equal(await pinSets.newest(), undefined)
    assert.equal(logged.length, 1)
  })
}

test('the database is asked once in ten seconds, however many ask', async () => {
  const at = { ms: 0 }
  const { pinSets, asked } = newest(undefined, at)
  for (let call = 0; call < 100; call++) await pinSets.newest()
  at.ms = 9_999
  await pinSets.newest()
  assert.equal(asked.count, 1)
  at.ms = 10_000
  await pinSets.newest()
  assert.equal(asked.count, 2)
})
