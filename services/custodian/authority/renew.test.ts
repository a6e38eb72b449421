import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import type { DataKey } from '@ngome/envelope'
import { ManualClock } from '@ngome/kernel'
import { newCertificateRequest, parseCertificateRole } from '@ngome/runtime'
import { newDataKey, openRequest, sealedRecord } from '../testing/sealed-record.ts'
import { serialOf } from '../testing/serial-of.ts'
import { TestCustodian, type Peer } from '../testing/test-custodian.ts'
import { boundSigner, extendSigner, findSigner, revokeSigner } from './signers.ts'

const hourMs = 3_600_000

async function open(t: { after(fn: () => void): void }): Promise<{ test: TestCustodian; clock: ManualClock }> {
  const clock = new ManualClock(1_800_000_000_000)
  const custodian = await TestCustodian.open({ clock })
  t.after(() => custodian.remove())
  return { test: custodian, clock }
}

async function renewed(test: TestCustodian, peer: Peer): Promise<Peer> {
  // The request says another role; the certificate is what counts.
  const { csr } = await newCertificateRequest('operator')
  const { certificate } = await test.call(peer, '/v1/renew', { csr })
  assert.equal(parseCertificateRole(new X509Certificate(certificate)), peer.role)
  return { role: peer.role, serial: serialOf(certificate) }
}

for (const role of ['gateway', 'dispatcher', 'operator'] as const) {
  test(`renews the certificate of ${role} and keeps the role`, async (t) => {
    const { test } = await open(t)
    const peer = await test.peer(role)
    const next = await renewed(test, peer)
    const row = test.db.prepare('SELECT * FROM certificates WHERE serial = ?').get(next.serial)
    assert.equal(row?.['previous_serial'], peer.serial)
    assert.equal(row?.['line'], peer.serial)
    assert.equal(test.lastLog(1)[0]?.['subject'], `${role}/${next.serial}`)
  })
}

test('renews for ever, one day at a time, but not over a certificate that has ended', async (t) => {
  const { test, clock } = await open(t)
  let peer = await test.peer('dispatcher')
  for (let at = 0; at < 3; at++) {
    clock.advance(16 * hourMs)
    peer = await renewed(test, peer)
  }
  clock.advance(24 * hourMs)
  const { csr } = await newCertificateRequest('dispatcher')
  await assert.rejects(test.call(peer, '/v1/renew', { csr }), { code: 'custodian/refused' })
  assert.equal(test.lastLog(1)[0]?.['reason'], 'certificate_expired')
})

test('gives eight renewals over one certificate, for answers that were lost, and no more', async (t) => {
  const { test } = await open(t)
  const peer = await test.peer('dispatcher')
  for (let at = 0; at < 8; at++) await renewed(test, peer)
  const { csr } = await newCertificateRequest('dispatcher')
  await assert.rejects(test.call(peer, '/v1/renew', { csr }), { code: 'custodian/refused' })
  assert.equal(test.lastLog(1)[0]?.['reason'], 'too_many_renewals')
})

test('a gateway that renews goes on as the same signer', async (t) => {
  const { test, clock } = await open(t)
  const { custodian: { rowTagKey } } = test
  const gateway = await test.gateway()
  const first = await findSigner(test.store, rowTagKey, gateway.signerId)
  clock.advance(16 * hourMs)
  await renewed(test, gateway.peer)
  const then = await findSigner(test.store, rowTagKey, gateway.signerId)
  assert.equal((then?.untilMs ?? 0) - (first?.untilMs ?? 0), 16 * hourMs)
  await test.commit((transaction) => extendSigner(transaction, rowTagKey, gateway.signerId, { nowMs: clock.nowMs(), untilMs: 5 }))
  assert.equal((await findSigner(test.store, rowTagKey, gateway.signerId))?.untilMs, then?.untilMs)
})

test('revoking one certificate revokes its whole line, and ends its signer', async (t) => {
  const { test, clock } = await open(t)
  const [gateway, operator, dispatcher, tenant] = [await test.gateway(), await test.peer('operator'), await test.peer('dispatcher'), await test.tenant()]
  const before = await newDataKey(test, gateway, tenant)
  const next = await renewed(test, gateway.peer)
  clock.advance(1)
  assert.deepEqual(await test.call(operator, '/v1/revoke-certificate', { serial: next.serial }), {})
  assert.deepEqual(await test.call(operator, '/v1/revoke-certificate', { serial: next.serial }), {})
  for (const peer of [gateway.peer, next]) {
    await assert.rejects(test.call(peer, '/v1/tenants', { after: null }), { code: 'custodian/refused' })
    assert.equal(test.lastLog(1)[0]?.['reason'], 'certificate_revoked')
  }
  const helper = await test.gateway()
  const after = await newDataKey(test, { ...gateway, peer: helper.peer }, tenant)
  await assert.rejects(test.call(dispatcher, '/v1/open', openRequest(after.sealed, [sealedRecord(clock, after, 'x')])), { code: 'custodian/refused' })
  assert.equal(test.lastLog(1)[0]?.['reason'], 'signer_not_valid_then')
  await assert.rejects(test.call(dispatcher, '/v1/open', openRequest(before.sealed, [sealedRecord(clock, before, 'x')])), { code: 'custodian/refused' })
  assert.equal(test.lastLog(1)[0]?.['reason'], 'signer_revoked')
})

test('a thief of a revoked signing key dates nothing back; what was opened before, or is dated before the theft, opens', async (t) => {
  const { test, clock } = await open(t)
  const [gateway, operator, dispatcher, tenant] = [await test.gateway(), await test.peer('operator'), await test.peer('dispatcher'), await test.tenant()]
  const opens = async (dataKey: DataKey) => test.call(dispatcher, '/v1/open', openRequest(dataKey.sealed, [sealedRecord(clock, dataKey, 'x')]))
  const refusedOf = async (dataKey: DataKey) => {
    await assert.rejects(opens(dataKey), { code: 'custodian/refused' })
    return test.lastLog(1)[0]?.['reason']
  }
  const [seen, unseen] = [await newDataKey(test, gateway, tenant), await newDataKey(test, gateway, tenant)]
  await opens(seen)
  clock.advance(hourMs / 4)
  const theftMs = clock.nowMs()
  const late = await newDataKey(test, gateway, tenant)
  clock.advance(hourMs / 4)
  const { serial } = gateway.peer
  await test.call(operator, '/v1/revoke-certificate', { serial })
  const backdated = await newDataKey(test, { ...gateway, peer: (await test.gateway()).peer }, tenant, { clock: new ManualClock(theftMs + 1) })
  await opens(seen)
  for (const dataKey of [unseen, late, backdated]) assert.equal(await refusedOf(dataKey), 'signer_revoked')
  // The operator has found out since when the key may have been in other hands.
  await test.call(operator, '/v1/revoke-certificate', { serial, since: new Date(theftMs).toISOString() })
  assert.match(String(test.lastLog(1)[0]?.['subject']), / since=/)
  await opens(unseen)
  for (const dataKey of [late, backdated]) assert.equal(await refusedOf(dataKey), 'signer_revoked')
  await test.call(operator, '/v1/revoke-certificate', { serial })
  // Opened meanwhile, but not before the revocation, which stays the first one.
  assert.equal(await refusedOf(unseen), 'signer_revoked')
})

test('a drained gateway ends its signer: nothing is dated past it, no renewal brings it back, what was sealed opens', async (t) => {
  const { test, clock } = await open(t)
  const [gateway, dispatcher, tenant] = [await test.gateway(), await test.peer('dispatcher'), await test.tenant()]
  const honest = await newDataKey(test, gateway, tenant)
  await test.call(gateway.peer, '/v1/end-signer', {})
  clock.advance(61_000)
  await renewed(test, gateway.peer)
  const forged = await newDataKey(test, gateway, tenant)
  await test.call(dispatcher, '/v1/open', openRequest(honest.sealed, [sealedRecord(clock, honest, 'x')]))
  await assert.rejects(test.call(dispatcher, '/v1/open', openRequest(forged.sealed, [sealedRecord(clock, forged, 'x')])), { code: 'custodian/refused' })
  assert.equal(test.lastLog(1)[0]?.['reason'], 'signer_not_valid_then')
  // Later is never longer.
  const untilMs = (await findSigner(test.store, test.custodian.rowTagKey, gateway.signerId))?.untilMs
  await test.call(gateway.peer, '/v1/end-signer', {})
  assert.equal((await findSigner(test.store, test.custodian.rowTagKey, gateway.signerId))?.untilMs, untilMs)
})

test('revokes a certificate without a signer', async (t) => {
  const { test } = await open(t)
  const [operator, dispatcher] = [await test.peer('operator'), await test.peer('dispatcher')]
  await test.call(operator, '/v1/revoke-certificate', { serial: dispatcher.serial })
  await assert.rejects(test.call(dispatcher, '/v1/secrets', { names: [] }), { code: 'custodian/refused' })
})

test('refuses to revoke what was never issued', async (t) => {
  const { test } = await open(t)
  await assert.rejects(test.call(await test.peer('operator'), '/v1/revoke-certificate', { serial: '00' }), { code: 'custodian/refused' })
  assert.equal(test.lastLog(1)[0]?.['reason'], 'certificate_unknown')
})

test('a signer whose row was written by somebody else is no signer', async (t) => {
  const { test } = await open(t)
  const { custodian: { rowTagKey } } = test
  const [gateway, other] = [await test.gateway(), await test.gateway()]
  const changes: readonly string[] = [
    `UPDATE signers SET public_key = '${'A'.repeat(43)}' WHERE id = '${gateway.signerId}'`,
    'UPDATE signers SET until_ms = until_ms + 1',
    'UPDATE signers SET created_at_ms = created_at_ms - 1',
    `UPDATE signers SET tag = x'00'`,
    'UPDATE signers SET revoked_at_ms = 1, trusted_before_ms = 1',
  ]
  for (const change of changes) {
    const undone = new Error('undone')
    await assert.rejects(test.commit(async (transaction) => {
      await transaction.run(change)
      await extendSigner(transaction, rowTagKey, gateway.signerId, { nowMs: 0, untilMs: Number.MAX_SAFE_INTEGER })
      await boundSigner(transaction, rowTagKey, gateway.signerId, 0)
      await revokeSigner(transaction, rowTagKey, gateway.signerId, { nowMs: 0, trustedBeforeMs: 0 })
      assert.equal(await findSigner(transaction, rowTagKey, gateway.signerId), undefined, change)
      throw undone
    }), undone)
  }
  test.db.prepare('DELETE FROM signers WHERE id = ?').run(gateway.signerId)
  test.db.prepare('UPDATE signers SET id = ? WHERE id = ?').run(gateway.signerId, other.signerId)
  assert.equal(await findSigner(test.store, rowTagKey, gateway.signerId), undefined)
})

test('gives the gateway a public certificate: the configured names, for answering only, and no identity inside', async (t) => {
  const { test } = await open(t)
  const gateway = await test.peer('gateway')
  const { csr } = await newCertificateRequest('gateway')
  const { certificate } = await test.call(gateway, '/v1/public-certificate', { csr })
  const parsed = new X509Certificate(certificate)
  assert.equal(parsed.subjectAltName, 'DNS:localhost, IP Address:127.0.0.1')
  assert.deepEqual(parsed.keyUsage, ['1.3.6.1.5.5.7.3.1'])
  assert.equal(parseCertificateRole(parsed), undefined)
  const peer = { role: 'gateway', serial: serialOf(certificate) } as const
  await assert.rejects(test.call(peer, '/v1/tenants', { after: null }), { code: 'custodian/refused' })
  assert.equal(test.lastLog(1)[0]?.['reason'], 'certificate_not_for_calls')
})
