import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '@ngome/kernel'
import { TestCustodian } from '../testing/test-custodian.ts'

const startMs = 1_800_000_000_000

test('certificates are listed page by page: those that are good now, or all, with what became of them', async (t) => {
  const clock = new ManualClock(startMs)
  const test = await TestCustodian.open({ clock })
  t.after(() => test.remove())
  const gateway = await test.gateway()
  const [operator, auditor] = [await test.peer('operator'), await test.peer('auditor')]
  const list = async (after: string | null, isPresent: boolean) => (await test.call(auditor, '/v1/certificates', { after, isPresent })).certificates
  await test.call(operator, '/v1/revoke-certificate', { serial: gateway.peer.serial })
  const present = await list(null, true)
  assert.deepEqual(present.map(({ role }) => role).toSorted(), ['auditor', 'operator'])
  const all = await list(null, false)
  assert.deepEqual(all.map(({ serial }) => serial), all.map(({ serial }) => serial).toSorted())
  const revoked = all.find(({ serial }) => serial === gateway.peer.serial)
  assert.deepEqual([revoked?.revokedAt, revoked?.signer, revoked?.kind], [new Date(startMs).toISOString(), gateway.signerId, 'process'])
  assert.deepEqual(await list(all.at(-2)?.serial ?? '', false), all.slice(-1))
  clock.advance(86_400_000)
  const late = await test.peer('auditor')
  assert.deepEqual((await test.call(late, '/v1/certificates', { after: null, isPresent: true })).certificates.map(({ serial }) => serial), [late.serial])
})
