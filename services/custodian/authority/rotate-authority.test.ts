import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ManualClock } from '@ngome/kernel'
import { newCertificateRequest, parseAuthorities } from '@ngome/runtime'
import { workOnKeys } from '../key-life/work-on-keys.ts'
import { unwrapKey } from '../store/wrapped-keys.ts'
import { serialOf } from '../testing/serial-of.ts'
import { TestCustodian, testSettings, type Gateway, type Peer } from '../testing/test-custodian.ts'
import { authorityLabel } from './authorities.ts'
import { compromisedStepMs, stepMsMin } from './work-on-authority.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const refused = { code: 'custodian/refused' }

type World = { test: TestCustodian; clock: ManualClock; gateway: Gateway; dispatcher: Peer; operator: Peer; first: string }

async function world(t: { after(fn: () => void): void }): Promise<World> {
  const clock = new ManualClock(1_800_000_000_000)
  const custodian = await TestCustodian.open({ clock })
  t.after(() => custodian.remove())
  return {
    test: custodian, clock, gateway: await custodian.gateway(), dispatcher: await custodian.peer('dispatcher'),
    operator: await custodian.peer('operator'), first: custodian.custodian.authority.pem,
  }
}

const rotate = (w: World, compromised = false) => w.test.call(w.operator, '/v1/rotate-authority', { compromised })
const work = ({ test }: World): Promise<void> => workOnKeys(test.custodian)
const afterStep = async (w: World, ms = stepMsMin): Promise<void> => {
  w.clock.advance(ms)
  await work(w)
}
const states = ({ test }: World): readonly string[] => test.db.prepare(
  `SELECT name, state FROM key_lives WHERE purpose = 'authority' ORDER BY name`).all().map((row) => `${String(row['name'])} ${String(row['state'])}`)
const progress = async ({ test }: World) => (await test.call(await test.peer('operator'), '/v1/rotations', {})).rotations
  .map(({ level, subject, cause, state, done, total }) => `${level} ${subject} ${cause} ${state} ${done}/${total}`)
const fileOf = ({ test }: World): string => readFileSync(join(test.folder, 'ca.pem'), 'utf8')
const fingerprints = (pem: string): readonly string[] => (parseAuthorities(pem) ?? []).map((one) => one.fingerprint256)

/** Renews as a process does: what comes is the certificate to show from now on, and what is trusted. */
async function renewed(w: World, peer: Peer): Promise<{ peer: Peer; certificate: X509Certificate; authority: string }> {
  const { csr } = await newCertificateRequest('gateway')
  const { certificate, authority } = await w.test.call(peer, '/v1/renew', { csr })
  return { peer: { role: peer.role, serial: serialOf(certificate) }, certificate: new X509Certificate(certificate), authority }
}

/** Everybody that runs renews; the operator's commands have ended an hour later. */
async function renewAll(w: World): Promise<Pick<World, 'gateway' | 'dispatcher'> & { authority: string }> {
  const [gateway, dispatcher] = [await renewed(w, w.gateway.peer), await renewed(w, w.dispatcher)]
  Object.assign(w, { gateway: { ...w.gateway, peer: gateway.peer }, dispatcher: dispatcher.peer })
  assert.equal(gateway.authority, dispatcher.authority)
  return { gateway: w.gateway, dispatcher: dispatcher.peer, authority: gateway.authority }
}

const isIssuedBy = (certificate: X509Certificate, pem: string): boolean => certificate.verify(new X509Certificate(pem).publicKey)

test('first everybody trusts both, then everybody has a certificate of the next, then the one before is dropped', async (t) => {
  const w = await world(t)
  await rotate(w)
  assert.deepEqual(states(w), ['v1 active', 'v2 pending'])
  const both = w.test.custodian.authority.pem
  assert.equal(fingerprints(both)[0], fingerprints(w.first)[0], 'the one that issues is the first')
  assert.deepEqual([fingerprints(both).length, fileOf(w)], [2, both])

  await afterStep(w, 2 * hourMs)
  assert.deepEqual(states(w), ['v1 active', 'v2 pending'], 'who has not renewed does not trust the next')
  const { authority } = await renewAll(w)
  assert.equal(authority, both)
  assert(isIssuedBy((await renewed(w, w.dispatcher)).certificate, w.first), 'the next issues nothing yet')
  await renewAll(w).catch(() => undefined)
  w.clock.advance(dayMs)
  await assert.rejects(renewed(w, w.dispatcher), refused)
  await work(w)
  assert.deepEqual(states(w), ['v1 decrypt-only', 'v2 active'])
  await assert.rejects(unwrapKey(w.test.custodian, authorityLabel(1)), { code: 'custodian/key_unusable' }, 'its key signs nothing more')

  w.dispatcher = await w.test.peer('dispatcher')
  const turned = w.test.custodian.authority.pem
  assert.deepEqual(fingerprints(turned), [...fingerprints(both)].toReversed())
  const next = await renewed(w, w.dispatcher)
  assert.equal(next.authority, turned)
  assert(isIssuedBy(next.certificate, turned) && !isIssuedBy(next.certificate, w.first))
  await afterStep(w)
  assert.deepEqual(states(w), ['v1 destroyed', 'v2 active'])
  assert.deepEqual(fingerprints(w.test.custodian.authority.pem), fingerprints(turned).slice(0, 1))
  assert.equal(fileOf(w), w.test.custodian.authority.pem)
  assert.match((await progress(w))[0] ?? '', /^authority v1 v2 demand done /)
  await w.test.reopen()
  assert.deepEqual(fingerprints(w.test.custodian.authority.pem), fingerprints(turned).slice(0, 1))
  await rotate({ ...w, operator: await w.test.peer('operator') })
  assert.deepEqual(states(w), ['v1 destroyed', 'v2 active', 'v3 pending'])
})

test('its progress counts who has followed; gateways that ended, certificates that were revoked or ended are not waited for', async (t) => {
  const w = await world(t)
  w.clock.advance(2 * hourMs)
  await rotate({ ...w, operator: await w.test.peer('operator') })
  w.clock.advance(2 * hourMs)
  await work(w)
  assert.equal((await progress(w))[0], 'authority v1 v2 demand running 0/2', 'the gateway and the dispatcher')
  w.dispatcher = (await renewed(w, w.dispatcher)).peer
  await work(w)
  assert.equal((await progress(w))[0], 'authority v1 v2 demand running 1/2')
  await w.test.call(w.gateway.peer, '/v1/end-signer', {})
  // A signer's end allows for clocks that differ by a minute.
  await afterStep(w, 2 * stepMsMin)
  assert.deepEqual(states(w), ['v1 decrypt-only', 'v2 active'])
  w.clock.advance(2 * hourMs)
  await work(w)
  assert.equal((await progress(w))[0], 'authority v1 v2 demand running 0/1')
  await w.test.call(await w.test.peer('operator'), '/v1/revoke-certificate', { serial: w.dispatcher.serial })
  await work(w)
  assert.deepEqual(states(w), ['v1 destroyed', 'v2 active'])
})

test('the public certificate is waited for until there is one of the next authority', async (t) => {
  const w = await world(t)
  const ask = async () => w.test.call(w.gateway.peer, '/v1/public-certificate', { csr: (await newCertificateRequest('gateway')).csr })
  await ask()
  await w.test.call(w.operator, '/v1/revoke-certificate', { serial: w.dispatcher.serial })
  await rotate(w)
  w.clock.advance(2 * hourMs)
  w.gateway = { ...w.gateway, peer: (await renewed(w, w.gateway.peer)).peer }
  await work(w)
  assert.deepEqual(states(w), ['v1 decrypt-only', 'v2 active'], 'it trusts nobody, so it is not waited for at first')
  w.gateway = { ...w.gateway, peer: (await renewed(w, w.gateway.peer)).peer }
  await afterStep(w)
  assert.deepEqual(states(w), ['v1 decrypt-only', 'v2 active'])
  const { certificate, authority } = await ask()
  assert(isIssuedBy(new X509Certificate(certificate), authority))
  await afterStep(w)
  assert.deepEqual(states(w), ['v1 destroyed', 'v2 active'])
})

test('no step takes less than a minute, even where nobody is waited for', async (t) => {
  const w = await world(t)
  w.clock.advance(2 * dayMs)
  await rotate({ ...w, operator: await w.test.peer('operator') })
  await afterStep(w, stepMsMin - 1)
  assert.deepEqual(states(w), ['v1 active', 'v2 pending'])
})

test('where others have its key nobody is waited for longer than minutes', async (t) => {
  const w = await world(t)
  await rotate(w, true)
  await afterStep(w, compromisedStepMs - 1)
  assert.deepEqual(states(w), ['v1 active', 'v2 pending'])
  await afterStep(w, 1)
  assert.deepEqual(states(w), ['v1 compromised', 'v2 active'])
  await afterStep(w, compromisedStepMs)
  assert.deepEqual(states(w), ['v1 destroyed', 'v2 active'])
  assert.match((await progress(w))[0] ?? '', /^authority v1 v2 compromise done /)
})

test('a second one is refused while one runs, and policy begins one where the authority is too old', async (t) => {
  const w = await world(t)
  await rotate(w)
  await assert.rejects(rotate(w), refused)
  assert.equal(w.test.lastLog(1)[0]?.['reason'], 'rotation_running')
  await assert.rejects(w.test.call(w.dispatcher, '/v1/rotate-authority', { compromised: true }), refused)
  const other = await world(t)
  await other.test.reopen({ keyPolicy: { ...testSettings.keyPolicy, authorityAgeMsMax: 10 * dayMs } })
  other.clock.advance(10 * dayMs - 1)
  await work(other)
  assert.deepEqual(states(other), ['v1 active'])
  await afterStep(other, 1)
  assert.match((await progress(other))[0] ?? '', /^authority v1 v2 policy running /)
})

test('a certificate that was asked for as the authority was replaced is not given: nobody would wait for it', async (t) => {
  const w = await world(t)
  await rotate(w, true)
  w.clock.advance(compromisedStepMs)
  const { commits } = w.test.store
  const run = commits.run.bind(commits)
  t.mock.method(commits, 'run', async (job: Parameters<typeof run>[0]) => {
    t.mock.restoreAll()
    await work(w)
    return run(job)
  })
  await assert.rejects(w.test.peer('dispatcher'), { code: 'custodian/unavailable' })
  assert.deepEqual(states(w), ['v1 compromised', 'v2 active'])
  await w.test.peer('dispatcher')
})

for (const [at, sql] of [
  ['before the next issues', ''], ['while the next issues', ''],
  ['with the row of the one before changed', `UPDATE authorities SET certificate = (SELECT certificate FROM authorities WHERE version = 2) WHERE version = 1`],
  ['with its tag taken away', 'UPDATE authorities SET tag = NULL WHERE version = 1'],
] as const) {
  test(`started again ${at}, it ${sql === '' ? 'goes on' : 'does not start'}`, async (t) => {
    const w = await world(t)
    await rotate(w, true)
    if (at !== 'before the next issues') await afterStep(w, compromisedStepMs)
    const before = w.test.custodian.authority.pem
    if (sql !== '') {
      w.test.db.exec(sql)
      await assert.rejects(w.test.reopen(), { code: 'custodian/start_refused' })
      return
    }
    await w.test.reopen()
    assert.equal(w.test.custodian.authority.pem, before)
    for (let step = 0; step < 2; step++) await afterStep(w, compromisedStepMs)
    assert.deepEqual(states(w), ['v1 destroyed', 'v2 active'])
  })
}

test('an authority that somebody wrote into the store is handed to nobody', async (t) => {
  const w = await world(t)
  const foreign = await TestCustodian.open()
  t.after(() => foreign.remove())
  for (const state of ['pending', 'active']) {
    const { pem } = foreign.custodian.authority
    w.test.db.prepare('INSERT INTO authorities (version, certificate) VALUES (9, ?)').run(pem)
    w.test.db.prepare(`INSERT INTO key_lives (purpose, name, state, created_at_ms, active_at_ms) VALUES ('authority', 'v9', ?, 1, 1)`).run(state)
    await assert.rejects(w.test.custodian.authority.refresh(), /custodian|authority|key/)
    assert.equal(w.test.custodian.authority.pem, w.first)
    w.test.db.exec(`DELETE FROM authorities WHERE version = 9; DROP TRIGGER key_lives_stay; DELETE FROM key_lives WHERE name = 'v9'`)
    w.test.db.exec(`CREATE TRIGGER key_lives_stay BEFORE DELETE ON key_lives BEGIN SELECT RAISE(ABORT, 'stays'); END`)
  }
})
