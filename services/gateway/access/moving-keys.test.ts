import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { apiKeyVerifier, defaultKeySettings, newApiKey, signApiKey, type KeptApiKey, type ParsedApiKey } from '@ngome/access'
import type { CustodianRequest, CustodianResponse } from '@ngome/contracts'
import { Fault, newId, Secret, systemClock, systemRandom, toBase64Url, type Tenant } from '@ngome/kernel'
import { createLogger, type CustodianClient } from '@ngome/runtime'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'
import { MovingKeys } from './moving-keys.ts'
import { proveApiKey, type ProvenApiKey } from './prove-api-key.ts'

const from = { clock: systemClock, random: systemRandom }
const logger = createLogger({ process: 'gateway', level: 'fatal', destination: { write: () => undefined } })
const custodianKeys = generateKeyPairSync('ed25519')

type Shown = CustodianRequest<'/v1/rehash-api-key'>
type Statement = CustodianResponse<'/v1/api-key-verifier'>

function signed(kept: KeptApiKey, key = custodianKeys.privateKey): Statement {
  return { pepperVersion: kept.pepperVersion, verifier: toBase64Url(kept.verifier), proof: toBase64Url(signApiKey(kept, key)) }
}

/** Keys that move beside a custodian and a database that the test plays. */
function world() {
  const peppers = { isRotating: true }
  const at = { nowMs: 0, isWritten: true }
  const shown: Shown[] = []
  const written: number[] = []
  const forgotten: string[] = []
  let answer: (request: Shown, row: ProvenApiKey) => Statement | null | Promise<never> = () => null
  let current: ProvenApiKey | undefined
  const custodian = {
    call: async (_path: string, request: Shown) => {
      shown.push(request)
      if (current === undefined) throw new TypeError('no key was used')
      return { statement: await answer(request, current) }
    },
  } as unknown as Pick<CustodianClient, 'call'>
  const moving = new MovingKeys({
    peppers, custodian, logger, statementKey: custodianKeys.publicKey, monotonicMs: () => at.nowMs,
    write: async ({ pepperVersion }) => {
      if (at.isWritten) written.push(pepperVersion)
      return at.isWritten
    },
    forget: ({ id }) => forgotten.push(id),
  })
  const use = async (key: ParsedApiKey, row: ProvenApiKey): Promise<void> => {
    current = row
    moving.used(key, row)
    await sleep(5)
  }
  return { peppers, at, shown, written, forgotten, moving, use, answers: (next: typeof answer) => { answer = next } }
}

function issued(pepperVersion = 1): { readonly key: ParsedApiKey; readonly row: ProvenApiKey } {
  const key = newApiKey({ world: 'test', ...from })
  const tenant: Tenant = { merchant: newId('merchant', from), world: 'test' }
  const kept = { id: key.id, tenant, pepperVersion, verifier: systemRandom.bytes(32), settings: defaultKeySettings() }
  const proof = signApiKey(kept, custodianKeys.privateKey)
  const row = proveApiKey({ ...kept, proof, isRevoked: false, isMerchantFrozen: false, isVaultPlaintextAllowed: true }, custodianKeys.publicKey)
  assert.ok(row)
  return { key, row }
}

const moved = ({ id, tenant, settings }: ProvenApiKey): KeptApiKey => ({ id, tenant, settings, pepperVersion: 2, verifier: new Uint8Array(32).fill(2) })

describe('a key that is used', () => {
  test('is shown once, written, and shown as it was written', async () => {
    const w = world()
    const { key, row } = issued()
    w.answers(({ pepperVersion }) => (pepperVersion === 1 ? signed(moved(row)) : null))
    for (let use = 0; use < 3; use++) await w.use(key, row)
    assert.deepEqual([w.shown.map(({ pepperVersion }) => pepperVersion), w.written, w.forgotten], [[1, 2], [2], [row.id]])
    assert.equal(w.shown[0]?.digest, toBase64Url(key.digest))
  })

  test('is shown nowhere while there is one pepper, and again when that changes', async () => {
    const w = world()
    const { key, row } = issued()
    w.peppers.isRotating = false
    await w.use(key, row)
    assert.equal(w.shown.length, 0)
    w.peppers.isRotating = true
    await w.use(key, row)
    await w.use(key, row)
    w.moving.startOver()
    await w.use(key, row)
    assert.equal(w.shown.length, 2)
  })

  test('which another gateway moved first is shown as that wrote it, at its next use', async () => {
    const w = world()
    const { key, row } = issued()
    w.at.isWritten = false
    w.answers(() => signed(moved(row)))
    await w.use(key, row)
    assert.deepEqual([w.shown.length, w.forgotten], [1, [row.id]])
    w.answers(() => null)
    const { tenant, id } = row
    const later = proveApiKey({ ...row, ...moved(row), proof: signApiKey(moved({ ...row, tenant, id }), custodianKeys.privateKey) }, custodianKeys.publicKey)
    assert.ok(later)
    await w.use(key, later)
    assert.equal(w.shown.at(-1)?.pepperVersion, 2)
  })

  test('while the custodian is away works as before, and is shown when that is back', async () => {
    const w = world()
    const { key, row } = issued()
    w.answers(() => Promise.reject(new Fault('custodian/unavailable', 'away')))
    await w.use(key, row)
    await w.use(key, row)
    assert.deepEqual([w.shown.length, w.written], [1, []])
    w.at.nowMs += 30_000
    w.answers(({ pepperVersion }) => (pepperVersion === 1 ? signed(moved(row)) : null))
    await w.use(key, row)
    assert.deepEqual(w.written, [2])
  })

  test('and refused is not shown again', async () => {
    const w = world()
    const { key, row } = issued()
    w.answers(() => Promise.reject(new Fault('custodian/refused', 'no')))
    await w.use(key, row)
    w.at.nowMs += 60_000
    await w.use(key, row)
    assert.equal(w.shown.length, 1)
  })

  const forgeries: readonly (readonly [string, (row: ProvenApiKey) => Statement])[] = [
    ['signed by another key', (row) => signed(moved(row), generateKeyPairSync('ed25519').privateKey)],
    ['of another key', () => signed(moved(issued().row))],
    ['of an older pepper', (row) => signed({ ...moved(row), pepperVersion: 1 })],
    ['that says more than was signed', (row) => ({ ...signed(moved(row)), pepperVersion: 3 })],
    ['that is no bytes', (row) => ({ ...signed(moved(row)), proof: '!' })],
  ]
  for (const [claim, forge] of forgeries) {
    test(`is not written from a statement ${claim}`, async () => {
      const w = world()
      const { key, row } = issued()
      w.answers(() => forge(row))
      await w.use(key, row)
      assert.deepEqual([w.written, w.forgotten], [[], []])
    })
  }

  test('waits in a queue that has an end', async () => {
    const w = world()
    let release: () => void = () => undefined
    w.answers(() => new Promise<never>((_, reject) => { release = () => reject(new Fault('custodian/unavailable', 'away')) }))
    for (let used = 0; used < 400; used++) {
      const { key, row } = issued()
      if (used === 0) await w.use(key, row)
      else w.moving.used(key, row)
    }
    assert.equal(w.shown.length, 1)
    release()
    await sleep(5)
    // The first failed, so that the rest wait for their next use.
    assert.equal(w.shown.length, 1)
  })
})

describe('at a running gateway', () => {
  let running: TestGateway
  before(async () => {
    running = await TestGateway.start()
  })
  after(() => running.close())

  const status = async (merchant: TestMerchant): Promise<number> => (await merchant.client.call({ path: '/v1/payments' })).status
  const versionOf = async ({ keyId }: TestMerchant): Promise<unknown> =>
    (await running.database.asAdmin('SELECT pepper_version FROM ngome.api_keys WHERE id = $1', [keyId]))[0]?.['pepper_version']

  test('a planted row that the true pepper verifies is nobody\'s key, and one alarm', async () => {
    const merchant = await running.addMerchant()
    const thief = newApiKey({ world: 'test', ...from })
    const pepper = running.custody.peppers.get(1)
    assert.ok(pepper)
    // All that a stolen gateway has: the pepper, and whatever it can write.
    const verifier = apiKeyVerifier(pepper, { id: thief.id, digest: thief.digest, tenant: merchant.tenant })
    await running.database.asAdmin(
      `INSERT INTO ngome.api_keys (id, merchant, world, verifier, pepper_version, proof, settings, hint, created_at)
       SELECT $1, merchant, world, $2, 1, proof, settings, hint, created_at FROM ngome.api_keys WHERE id = $3`, [thief.id, verifier, merchant.keyId],
    )
    const planted = { ...merchant, client: running.client(thief.text.expose((text) => text)) }
    for (let call = 0; call < 3; call++) assert.equal(await status(planted), 401)
    const told = () => running.database.asAdmin(`SELECT severity FROM ngome.events WHERE type = 'api_key.unproven' AND data->>'key' = $1`, [thief.id])
    for (let look = 0; look < 1_500 && (await told()).length === 0; look++) await sleep(20)
    await sleep(100)
    const events = await told()
    assert.deepEqual(events.map(({ severity }) => severity), ['alarm'])
    assert.equal(await status(merchant), 200)
  })

  test('a new pepper is learnt from the first key under it; keys move as they are used, and the rest end with the old one', async () => {
    const [used, unused] = [await running.addMerchant(), await running.addMerchant()]
    assert.deepEqual([await status(used), await status(unused)], [200, 200])
    running.custody.peppers.set(2, new Secret(systemRandom.bytes(32)))
    const fresh = await running.addMerchant()
    assert.deepEqual([await versionOf(fresh), await status(fresh)], [2, 200])
    assert.equal(await status(used), 200)
    for (let look = 0; look < 100 && await versionOf(used) !== 2; look++) await sleep(20)
    assert.equal(await versionOf(used), 2)
    await sleep(100)
    const shown = running.custody.calls.filter((call) => call.includes(used.keyId))
    assert.deepEqual(shown, [`/v1/rehash-api-key ${used.keyId} v1`, `/v1/rehash-api-key ${used.keyId} v2`])
    assert.equal(await status(used), 200)
    running.custody.peppers.delete(1)
    running.custody.peppers.set(3, new Secret(systemRandom.bytes(32)))
    await sleep(1_100)
    assert.equal(await status(await running.addMerchant()), 200)
    assert.deepEqual([await status(used), await status(unused)], [200, 401])
  })
})
