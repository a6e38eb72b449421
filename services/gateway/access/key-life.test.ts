import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { signApiKey } from '@ngome/access'
import { emit } from '@ngome/contracts'
import { systemClock, systemRandom } from '@ngome/kernel'
import { endApiKey, findKeptApiKey, listApiKeys } from '@ngome/store'
import { problemIn } from '../testing/problem-in.ts'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'
import { writeEveryMs } from '../usage/bounds.ts'
import { LastUses, usesMax } from '../usage/last-uses.ts'
import { leaseMs } from './revocation-lease.ts'

const from = { clock: systemClock, random: systemRandom }
/** A busy machine is slower than the 100 ms between two readings; what is promised is the lease. */
const slackMs = 1_500

let gateways: readonly [TestGateway, TestGateway]
/** How far the gateways' clock is ahead: an overlap passes at once, however busy the machine is. */
let aheadMs = 0
const clock = { nowMs: () => systemClock.nowMs() + aheadMs }
before(async () => {
  const first = await TestGateway.start({ clock })
  gateways = [first, await TestGateway.start({ clock, beside: first })]
})
after(async () => {
  await gateways[1].close()
  await gateways[0].close()
})

const status = async (at: TestGateway, { key }: TestMerchant): Promise<string> => {
  const client = at.client(key)
  const answer = await client.call({ path: '/v1/payments' })
  client.close()
  return answer.status === 200 ? 'served' : problemIn(answer).code
}

/** Calls with a key until it is refused, which within the lease it is. @returns with what, at each gateway */
async function untilRefused(key: TestMerchant, revoke: () => Promise<unknown>): Promise<readonly string[]> {
  for (const at of gateways) assert.equal(await status(at, key), 'served')
  const watching = gateways.map(async (at) => {
    for (;;) {
      const code = await status(at, key)
      if (code !== 'served') return code
    }
  })
  await revoke()
  return Promise.all(watching)
}

/** Gives a key an end, as the operator's command has the custodian sign it. */
async function end({ keyId, tenant }: TestMerchant, expiresAtMs: number): Promise<void> {
  const [first] = gateways
  const operator = first.database.open('ngome_operator', { poolMax: 1 })
  const row = await findKeptApiKey(operator, keyId)
  assert.ok(row)
  const settings = { ...row.settings, expiresAtMs }
  const proof = signApiKey({ ...row, id: keyId, settings }, first.custody.authority.statementKeys.privateKey)
  const event = emit({ ...from, process: 'operator' }, 'api_key.rolled', tenant, { key: keyId, successor: keyId, ends_at: new Date(expiresAtMs).toISOString() })
  assert.equal(await endApiKey(operator, { id: keyId, tenant, fromProof: row.proof, settings, proof }, systemClock.nowMs(), event), true)
}

test('a key that is revoked is refused by both gateways, and calls go on until it is', { timeout: 60_000 }, async () => {
  const key = await gateways[0].addMerchant()
  assert.deepEqual(await untilRefused(key, () => gateways[0].revoke(key)), ['access/unauthenticated', 'access/unauthenticated'])
})

test('a key that was rolled works at both until its end, and not a moment longer; the end cannot be taken back', async () => {
  const key = await gateways[0].addMerchant()
  for (const at of gateways) assert.equal(await status(at, key), 'served')
  const before = await findKeptApiKey(gateways[0].database.open('ngome_operator', { poolMax: 1 }), key.keyId)
  await end(key, clock.nowMs() + 60_000)
  await sleep(500)
  for (const at of gateways) assert.equal(await status(at, key), 'served', 'within the overlap')
  aheadMs += 60_000
  for (const at of gateways) assert.equal(await status(at, key), 'access/unauthenticated')
  const put = (sql: string, ...values: readonly unknown[]) =>
    gateways[0].database.asAdmin(`UPDATE ngome.api_keys SET settings = jsonb_set(settings, '{expiresAt}', 'null') ${sql} WHERE id = $1`, [key.keyId, ...values])
  await assert.rejects(put(''), { code: 'NG002' })
  await assert.rejects(put(', proof = $2', before?.proof), { code: 'NG002' })
})

test('a key that was revoked is not brought back by who owns the tables, and its use is still its merchant\u2019s to see', async () => {
  const [first] = gateways
  const key = await first.issueKey((await first.addMerchant()).tenant)
  assert.equal(await status(first, key), 'served')
  await first.revoke(key)
  await first.database.asAdmin(`ALTER TABLE ngome.api_keys DISABLE TRIGGER guard; ALTER TABLE ngome.api_keys DROP CONSTRAINT proven_or_revoked;
    UPDATE ngome.api_keys SET revoked_at = NULL WHERE id = '${key.keyId}'; ALTER TABLE ngome.api_keys ENABLE TRIGGER guard`)
  await sleep(leaseMs + slackMs)
  for (const at of gateways) assert.equal(await status(at, key), 'access/unauthenticated')
  await first.revoke(key)
  await first.database.asAdmin('ALTER TABLE ngome.api_keys ADD CONSTRAINT proven_or_revoked CHECK (proof IS NOT NULL OR revoked_at IS NOT NULL)')
  const events = await first.database.asAdmin(`SELECT type FROM ngome.events WHERE merchant = $1 AND type = 'api_key.unproven'`, [key.tenant.merchant])
  assert.ok(events.length > 0, 'somebody wrote there')
  await sleep(leaseMs + slackMs)
  for (const at of gateways) assert.equal(await status(at, key), 'access/unauthenticated')
  await sleep(writeEveryMs + slackMs)
  const rows = await first.database.asAdmin('SELECT fault FROM ngome.request_log WHERE api_key = $1 AND status = 401', [key.keyId])
  assert.deepEqual(rows.at(-1), { fault: 'access/unauthenticated' })
})

test('while revocations cannot be read nobody is served past the lease, and a key that was revoked meanwhile never again', { timeout: 60_000 }, async () => {
  const [first] = gateways
  const [key, other] = [await first.addMerchant(), await first.addMerchant()]
  const refused = await untilRefused(key, async () => {
    await first.database.asAdmin('REVOKE SELECT ON ngome.revocation_counter FROM ngome_gateway')
    await first.revoke(key)
  })
  assert.deepEqual(refused, ['access/lease_lost', 'access/lease_lost'])
  for (const at of gateways) assert.equal(await status(at, other), 'access/lease_lost')
  await first.database.asAdmin('GRANT SELECT ON ngome.revocation_counter TO ngome_gateway')
  for (const at of gateways) {
    for (let look = 0; look < 100 && await status(at, other) !== 'served'; look++) await sleep(20)
    assert.deepEqual([await status(at, other), await status(at, key)], ['served', 'access/unauthenticated'])
  }
})

test('when a key was used last is known of the network and the program, soon after', async () => {
  const [first] = gateways
  const key = await first.addMerchant()
  const client = first.client(key.key)
  await client.call({ path: '/v1/payments', headers: { 'user-agent': 'shop/1.2 (ngome_sk_test_planted)' } })
  const operator = first.database.open('ngome_operator', { poolMax: 1 })
  const lastUse = async () => (await listApiKeys(operator, key.tenant))[0]?.lastUse
  for (let look = 0; look < 80 && await lastUse() === null; look++) await sleep(100)
  const use = await lastUse()
  assert.deepEqual([use?.network, use?.agent], ['127.0.0.0/24', 'shop/1.2 ([redacted]'])
  assert.ok(Math.abs((use?.atMs ?? 0) - clock.nowMs()) < 15_000)
})

test('last uses are remembered for so many keys and no more, and what cannot be written stops nobody', async () => {
  const written: number[] = []
  let isAway = true
  const uses = new LastUses({
    clock: systemClock, logger: { warn: () => undefined } as never,
    write: async (batch) => {
      if (isAway) throw new Error('away')
      written.push(batch.length)
    },
  })
  const hear = (at: number): void => uses.heard({ caller: { apiKey: `key_${at}` as never }, socket: {}, headers: {} })
  uses.heard({ caller: null, socket: {}, headers: {} })
  hear(0)
  await uses.flush()
  isAway = false
  for (let at = 0; at < usesMax + 50; at++) hear(at)
  await Promise.all([uses.flush(), uses.flush()])
  assert.deepEqual(written, [usesMax])
})
