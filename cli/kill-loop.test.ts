import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { randomInt } from 'node:crypto'
import { Platform, runKillLoop, seedFrom } from '@ngome/testkit'

const seed = seedFrom(process.env['NGOME_TEST_SEED'], randomInt(1_000_000))
const payments = 80
let platform: Platform

before(async () => { platform = await Platform.start() })
after(async () => { await platform.remove() })

test(`kill -9 of any process at random points loses and doubles no payment, payout, refund or row of a batch (seed ${seed})`, async (t) => {
  const report = await runKillLoop({
    platform, payments, seed, victims: ['gateway', 'custodian', 'dispatcher', 'simulator', 'postgres'],
    pauseMs: [200, 1_200], tell: (line) => t.diagnostic(line),
  })
  const killed = Object.values(report.kills).reduce((sum, count) => sum + count, 0)
  assert.ok(killed >= 3, `only ${killed} processes were killed: the test saw nothing`)
  assert.deepEqual(report.wrongs, [], `NGOME_TEST_SEED=${seed}; the platform said:\n${platform.output}`)
  assert.equal(report.acknowledged, payments)
})

test('kill -9 of the launcher leaves no process behind, and the next start loses nothing', async () => {
  const client = platform.client()
  const paid = await client.call({
    method: 'POST', path: '/v1/payments', idempotencyKey: 'before-the-launcher-died',
    body: { amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payer: { phone: '+46733123499' }, reference: 'r' },
  })
  assert.equal(paid.status, 201, paid.text)
  const before = platform.processes()
  await platform.killLauncher()
  await platform.up()
  const after = new Set(platform.processes().map(({ pid }) => pid))
  for (const { name, pid } of before) assert.ok(!after.has(pid), `${name} outlived its launcher`)
  for (const { pid } of before) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
  const { id } = JSON.parse(paid.text) as { id: string }
  const seen = await client.call({ path: `/v1/payments/${id}` })
  assert.equal(seen.status, 200, seen.text)
  client.close()
})
