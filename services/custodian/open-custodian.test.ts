import assert from 'node:assert/strict'
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { createLogger } from '@ngome/runtime'
import { loadAuthority, makeAuthority } from './authority/authority.ts'
import { ownIdentity } from './authority/own-identity.ts'
import { Secret, systemClock, systemRandom } from '@ngome/kernel'
import { TestCustodian } from './testing/test-custodian.ts'

const refused = { code: 'custodian/start_refused' }
const logger = createLogger({ process: 'custodian', level: 'fatal', destination: { write: () => undefined } })

async function open(t: { after(fn: () => void): void }): Promise<TestCustodian> {
  const custodian = await TestCustodian.open()
  t.after(() => custodian.remove())
  return custodian
}

test('a second start finds everything and makes nothing', async (t) => {
  const test = await open(t)
  const before = { pem: test.custodian.authority.pem, keys: test.count('wrapped_keys'), rows: test.count('log') }
  const statement = test.custodian.statementKey.publicKey
  await test.reopen()
  assert.deepEqual({ pem: test.custodian.authority.pem, keys: test.count('wrapped_keys'), rows: test.count('log') }, before)
  assert.ok(test.custodian.statementKey.publicKey.equals(statement))
  assert.equal(readFileSync(join(test.folder, 'ca.pem'), 'utf8'), before.pem)
})

test('no key lies in the store unwrapped', async (t) => {
  const test = await open(t)
  const gateway = await test.gateway()
  const { secrets } = await test.call(gateway.peer, '/v1/secrets', { names: ['api-pepper', 'callback'] })
  test.close()
  const bytes = Buffer.concat([readFileSync(join(test.folder, 'custodian.sqlite'))])
  for (const { value } of secrets) assert.equal(bytes.includes(Buffer.from(value, 'base64url')), false)
  // PKCS #8 of P-256 and Ed25519 keys begins so.
  assert.equal(bytes.includes(Buffer.from('302e020100300506032b657004220420', 'hex')), false)
  assert.equal(bytes.includes(Buffer.from('308187020100301306072a8648ce3d0201', 'hex')), false)
})

test('no printer shows a key of the custodian', async (t) => {
  const test = await open(t)
  const pepper = (await test.custodian.secrets.newest('api-pepper')).value.expose((bytes) => Buffer.from(bytes))
  const { store: _store, ...printable } = test.custodian
  const shown = inspect(printable, { depth: 6, showHidden: true })
  assert.match(shown, /\[secret\]/)
  for (const form of ['hex', 'base64', 'base64url'] as const) assert.equal(shown.includes(pepper.toString(form)), false)
  assert.equal(shown.includes([...pepper].slice(0, 6).join(', ')), false)
})

test('does not start without its root key, and makes no other', async (t) => {
  const test = await open(t)
  test.close()
  rmSync(join(test.folder, 'root.key'))
  await assert.rejects(test.reopen(), refused)
  await assert.rejects(test.reopen(), refused)
})

test('does not start with another root key', async (t) => {
  const test = await open(t)
  test.close()
  writeFileSync(join(test.folder, 'root.key'), new Uint8Array(32))
  await assert.rejects(test.reopen(), /not the one that wrapped this store/)
})

for (const name of ['root.key', 'custodian.sqlite', 'enrolment.key']) {
  test(`does not start where ${name} is open to others`, async (t) => {
    const test = await open(t)
    test.close()
    chmodSync(join(test.folder, name), 0o640)
    await assert.rejects(test.reopen(), refused)
    chmodSync(join(test.folder, name), 0o600)
    await test.reopen()
  })
}

test('does not start with an enrolment key of another length, or without one', async (t) => {
  const test = await open(t)
  test.close()
  writeFileSync(test.enrolmentKeyPath, new Uint8Array(16))
  await assert.rejects(test.reopen(), refused)
  rmSync(test.enrolmentKeyPath)
  await assert.rejects(test.reopen(), refused)
})

test('a start that was refused lets go of the store', async (t) => {
  const test = await open(t)
  test.close()
  const root = readFileSync(join(test.folder, 'root.key'))
  writeFileSync(join(test.folder, 'root.key'), new Uint8Array(32))
  await assert.rejects(test.reopen(), refused)
  writeFileSync(join(test.folder, 'root.key'), root)
  await test.reopen()
})

const swaps: readonly (readonly [string, string])[] = [
  ['the statement key in the place of the authority\'s', `UPDATE wrapped_keys SET wrapped = (SELECT wrapped FROM wrapped_keys WHERE purpose = 'statement') WHERE purpose = 'authority'`],
  ['one secret in the place of another', `UPDATE wrapped_keys SET wrapped = (SELECT wrapped FROM wrapped_keys WHERE name = 'callback/v1') WHERE name = 'api-pepper/v1'`],
  ['a missing secret', `DELETE FROM wrapped_keys WHERE name = 'callback/v1'`],
  ['a missing authority', 'DELETE FROM authorities'],
  ['a certificate of another authority', `UPDATE authorities SET certificate = '-----BEGIN CERTIFICATE-----'`],
]

for (const [name, sql] of swaps) {
  test(`does not start with ${name}`, async (t) => {
    const test = await open(t)
    test.db.exec(sql)
    await assert.rejects(test.reopen(), refused)
  })
}

test('does not start with a log that somebody changed', async (t) => {
  const test = await open(t)
  await test.peer('dispatcher')
  test.db.exec(`DROP TRIGGER log_keeps_values; UPDATE log SET subject = 'x' WHERE sequence = 1`)
  await assert.rejects(test.reopen(), /row 1: somebody changed it/)
})

test('does not start with a log that cannot be read', async (t) => {
  const test = await open(t)
  const page = Number(test.db.prepare(`SELECT rootpage FROM sqlite_schema WHERE name = 'log'`).get()?.['rootpage'])
  test.db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  test.close()
  const file = join(test.folder, 'custodian.sqlite')
  const bytes = readFileSync(file)
  writeFileSync(file, bytes.fill(0xff, (page - 1) * 4_096, page * 4_096))
  await assert.rejects(test.reopen(), /malformed/)
})

test('a bug at the start is not hidden as a refusal', async (t) => {
  const test = await open(t)
  test.db.exec('ALTER TABLE wrapped_keys RENAME COLUMN wrapped TO other')
  await assert.rejects(test.reopen(), (error) => !(error instanceof Error && 'code' in error && error.code === refused.code))
})

test('an authority is its certificate and its key together', async () => {
  const from = { clock: systemClock, random: systemRandom }
  const [one, two] = [await makeAuthority(from), await makeAuthority(from)]
  assert.equal((await loadAuthority(one.certificate, one.privateKey)).signingKey.extractable, false)
  await assert.rejects(loadAuthority(one.certificate, two.privateKey), refused)
  await assert.rejects(loadAuthority(one.certificate, new Secret(new Uint8Array(3))), refused)
})

test('certifies itself, and again while it runs', async (t) => {
  const test = await TestCustodian.open({ clock: systemClock, settings: { certificateLifeMs: 2_000 } })
  t.after(() => test.remove())
  const identity = await ownIdentity(test.custodian, logger)
  t.after(() => identity.stop())
  const first = identity.secureContext().cert
  identity.startRenewal()
  await new Promise<void>((resolve) => void identity.onRenewal(resolve))
  assert.notEqual(identity.secureContext().cert, first)
  assert.equal(test.count(`certificates WHERE kind = 'own'`), 2)
  assert.equal(test.lastLog(1)[0]?.['operation'], 'own-certificate')
})
