import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { emit } from '@ngome/contracts'
import { generateMerchantKeyPair, makeDataKey, sealRecord, signStatement, verifyStatement } from '@ngome/envelope'
import { ManualClock, newId, systemClock, systemRandom, type PaymentId, type Tenant } from '@ngome/kernel'
import { acceptPayment, addMerchant, insertDataKey } from '@ngome/store'
import { testAcceptance, testDatabase, type TestDatabase } from '@ngome/testkit'
import fc from 'fast-check'
import type { Auditor } from './at-rest/auditor.ts'
import { digestForms, readableForms } from './at-rest/forms.ts'
import type { PlantedPayment } from './at-rest/plant-payment.ts'
import { scanFiles } from './at-rest/scan-files.ts'
import { newChallenge } from './custodian/judge-refusal.ts'
import type { Probe } from './probe.ts'
import { databaseGrants } from './probes/database-grants.ts'
import { plantedValueIsNowhere } from './probes/planted-value-is-nowhere.ts'
import { recordFormat } from './probes/record-format.ts'
import { separateMerchantKeys } from './probes/separate-merchant-keys.ts'
import { runProbes } from './run-probes.ts'
import { signedRefusal } from './testing/signed-refusal.ts'

const from = { clock: systemClock, random: systemRandom }
const phoneDigits = '467312345678901'
const note = 'probe 00112233445566778899aabb'
const hourMs = 3_600_000
const keys = { custodian: generateKeyPairSync('ed25519'), gateway: generateKeyPairSync('ed25519') }

const card = '9970123456789013'
const plantedCard = () => Promise.resolve({ id: newId('vaultToken', from), digits: card, askedOf: null })

let database: TestDatabase
let auditor: Auditor
let dataFolder: string

before(() => {
  dataFolder = mkdtempSync(join(tmpdir(), 'ngome-at-rest-'))
})
after(() => rmSync(dataFolder, { recursive: true }))
beforeEach(async () => {
  database = await testDatabase()
  const { pool } = database.open('ngome_auditor', { poolMax: 2 })
  auditor = {
    query: async <Row>(sql: string, parameters: readonly unknown[] = []) => {
      return (await pool.query(sql, [...parameters])).rows as readonly Row[]
    },
  }
})
afterEach(() => database.close())

/** A payment in the database as the gateway leaves it: a real envelope, sealed for its tenant. */
async function sealedPaymentRow(tenant?: Tenant): Promise<PlantedPayment & { sealed: Uint8Array }> {
  const owner = tenant ?? { merchant: newId('merchant', from), world: 'test' as const }
  const nowMs = systemClock.nowMs()
  await addMerchant(database.open('ngome_operator'), { id: owner.merchant, name: 'Probe', createdAtMs: nowMs },
    emit({ ...from, process: 'operator' }, 'merchant.created', { merchant: owner.merchant, world: null }, {}))
  const { publicKey } = await generateMerchantKeyPair('hybrid')
  const statement = verifyStatement(signStatement({
    keyId: newId('merchantKey', from), tenant: owner, retention: 'payment', period: Math.floor(nowMs / hourMs),
    notBeforeMs: nowMs - hourMs, notAfterMs: nowMs + hourMs, suite: 'hybrid', publicKey,
  }, keys.custodian.privateKey), keys.custodian.publicKey)
  const dataKey = await makeDataKey({ statement, signer: { id: newId('signer', from), privateKey: keys.gateway.privateKey }, ...from })
  const gateway = database.open('ngome_gateway')
  await insertDataKey(gateway, { id: dataKey.id, tenant: owner, retention: 'payment', sealed: dataKey.sealed, createdAtMs: nowMs })
  const acceptance = testAcceptance({ tenant: owner, dataKey: dataKey.id })
  const id: PaymentId = acceptance.payment.id
  const context = { tenant: owner, table: 'payments', recordId: id, dataClass: 'restricted' as const, version: 1 }
  const sealed = sealRecord(dataKey, context, Buffer.from(JSON.stringify({ payer: { phone: `+${phoneDigits}` }, note })), systemRandom)
  await acceptPayment(gateway, { ...acceptance, payment: { ...acceptance.payment, sealed } })
  return { id, tenant: owner, phoneDigits, note, sealed }
}

async function verdictOf<T>(probe: Probe<T>, target: T): Promise<{ status: string; evidence: string }> {
  const [result] = await runProbes([probe], target, new ManualClock(0))
  assert.ok(result)
  return result
}

test('every readable form is found wherever it stands in a file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ngome-forms-'))
  const path = join(folder, 'file')
  await fc.assert(fc.asyncProperty(
    fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom<BufferEncoding>('utf8', 'utf16le', 'hex', 'base64', 'base64url'),
    async (prefix, suffix, encoding) => {
      const text = encoding === 'utf16le' ? Buffer.from(phoneDigits, 'utf16le') : Buffer.from(phoneDigits)
      const whole = Buffer.concat([prefix, text, suffix])
      writeFileSync(path, encoding === 'utf8' || encoding === 'utf16le' ? whole : whole.toString(encoding))
      assert.notDeepEqual((await scanFiles(folder, readableForms(phoneDigits), () => false)).found, [])
    },
  ), { numRuns: 200 })
  rmSync(folder, { recursive: true })
})

test('a form across two reads of a file is found', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ngome-forms-'))
  const chunk = 4 * 1024 * 1024
  for (const shift of [1, 5, 14]) {
    writeFileSync(join(folder, 'large'), Buffer.concat([Buffer.alloc(chunk - shift), Buffer.from(phoneDigits), Buffer.alloc(99)]))
    assert.equal((await scanFiles(folder, readableForms(phoneDigits), () => false)).found.length, 1)
  }
  rmSync(folder, { recursive: true })
})

test('what one file held is not found in the next, nor a form of which two files have one half each', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ngome-forms-'))
  for (const [name, text] of [['1', phoneDigits], ['2', 'x'], ['3', phoneDigits.slice(0, 6)], ['4', phoneDigits.slice(6)], ['5', '']] as const) {
    writeFileSync(join(folder, name), text)
  }
  const { found, fileCount } = await scanFiles(folder, readableForms(phoneDigits), () => false)
  assert.deepEqual([[...new Set(found.map(({ path }) => path))], fileCount], [['1'], 5])
  rmSync(folder, { recursive: true })
})

test('nothing is found in random bytes', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ngome-forms-'))
  writeFileSync(join(folder, 'noise'), systemRandom.bytes(1_000_000))
  const forms = [...readableForms(phoneDigits), ...digestForms(phoneDigits)]
  assert.deepEqual((await scanFiles(folder, forms, () => false)).found, [])
  rmSync(folder, { recursive: true })
})

test('planted value: a sealed payment holds', async () => {
  const planted = await sealedPaymentRow()
  const { status, evidence } = await verdictOf(plantedValueIsNowhere, { planted: () => Promise.resolve(planted), plantedCard, auditor, dataFolder })
  assert.equal(status, 'holds', evidence)
})

/** How a value could come to lie in the open; each must be noticed. */
const leaks: readonly { claim: string; leak: (planted: PlantedPayment) => Promise<unknown> | void; where: RegExp }[] = [
  {
    claim: 'in a column of its own', where: /ngome\.payments/,
    leak: ({ id }) => database.asAdmin(`ALTER TABLE ngome.payments ADD COLUMN payer text; ALTER TABLE ngome.payments DISABLE TRIGGER guard; UPDATE ngome.payments SET payer = '+${phoneDigits}' WHERE id = '${id}'`),
  },
  {
    claim: 'as bytes in a column', where: /ngome\.payments/,
    leak: ({ id }) => database.asAdmin(`ALTER TABLE ngome.payments DISABLE TRIGGER guard; UPDATE ngome.payments SET sealed = convert_to(repeat('x', 64) || '${phoneDigits}', 'UTF8') WHERE id = '${id}'`),
  },
  {
    claim: 'in the data of an event', where: /ngome\.events/,
    leak: ({ id }) => database.asAdmin(`INSERT INTO ngome.events (id, type, severity, at, process, data) VALUES ('${newId('event', from)}', 'payment.accepted', 'info', now(), 'gateway', '{"payment":"${id}","note":"${note}"}')`),
  },
  {
    claim: 'as a digest in a job', where: /pgboss/,
    leak: () => database.asAdmin(`INSERT INTO pgboss.job (name, data) VALUES ('payment-dispatch', jsonb_build_object('digest', encode(sha256('${phoneDigits}'), 'hex')))`),
  },
  { claim: 'a card number in a log', where: /gateway\.log/, leak: () => appendFileSync(join(dataFolder, 'gateway.log'), `{"msg":"refused ${card}"}\n`) },
  { claim: 'a spaced card number in a log', where: /gateway\.log/, leak: () => appendFileSync(join(dataFolder, 'gateway.log'), '9970 1234 5678 9013') },
  {
    claim: 'a card number\'s digest in a column', where: /ngome\.events/,
    leak: ({ id }) => database.asAdmin(`INSERT INTO ngome.events (id, type, severity, at, process, data) VALUES ('${newId('event', from)}', 'payment.accepted', 'info', now(), 'gateway', jsonb_build_object('payment', '${id}', 'fingerprint', encode(sha256('${card}'), 'base64')))`),
  },
  { claim: 'in a log', where: /gateway\.log/, leak: () => appendFileSync(join(dataFolder, 'gateway.log'), `{"msg":"paid by ${phoneDigits}"}\n`) },
  { claim: 'in base64 in a log', where: /gateway\.log/, leak: () => appendFileSync(join(dataFolder, 'gateway.log'), Buffer.from(`{"payer":"+${phoneDigits}"}`).toString('base64')) },
  {
    claim: 'in a file of a folder in a folder', where: /cache\/deep/,
    leak: () => {
      mkdirSync(join(dataFolder, 'cache'), { recursive: true })
      writeFileSync(join(dataFolder, 'cache', 'deep'), Buffer.from(note, 'utf16le'))
    },
  },
]
for (const { claim, leak, where } of leaks) {
  test(`planted value: ${claim} fails`, async () => {
    rmSync(dataFolder, { recursive: true })
    mkdirSync(dataFolder)
    const planted = await sealedPaymentRow()
    await leak(planted)
    const { status, evidence } = await verdictOf(plantedValueIsNowhere, { planted: () => Promise.resolve(planted), plantedCard, auditor, dataFolder })
    assert.equal(status, 'fails', evidence)
    assert.match(evidence, where)
  })
}

test('record format: sealed rows hold', async () => {
  const planted = await sealedPaymentRow()
  const { status, evidence } = await verdictOf(recordFormat, { planted: () => Promise.resolve(planted), auditor })
  assert.equal(status, 'holds', evidence)
})

const formatSabotage: readonly { claim: string; sql: (planted: PlantedPayment & { sealed: Uint8Array }) => string }[] = [
  { claim: 'a restricted column that is text', sql: () => 'ALTER TABLE ngome.payments ADD COLUMN payer text; COMMENT ON COLUMN ngome.payments.payer IS \'class: restricted\'' },
  { claim: 'a restricted value that is not sealed', sql: () => 'ALTER TABLE ngome.payments DISABLE TRIGGER guard; UPDATE ngome.payments SET sealed = convert_to(repeat(\'{"payer":"+46"}\', 9), \'UTF8\')' },
  { claim: 'a record of another suite', sql: () => 'ALTER TABLE ngome.payments DISABLE TRIGGER guard; UPDATE ngome.payments SET sealed = set_byte(sealed, 1, 9)' },
  {
    claim: 'two records with one salt',
    sql: ({ sealed, tenant, id }) => `INSERT INTO ngome.callback_hints (id, merchant, world, payment, number, data_key, sealed, received_at)
      SELECT '${newId('callbackHint', from)}', merchant, world, id, 1, data_key, '\\x${Buffer.from(sealed).toString('hex')}', now()
      FROM ngome.payments WHERE id = '${id}' AND merchant = '${tenant.merchant}'`,
  },
]
for (const { claim, sql } of formatSabotage) {
  test(`record format: ${claim} fails`, async () => {
    const planted = await sealedPaymentRow()
    await database.asAdmin(sql(planted))
    const { status, evidence } = await verdictOf(recordFormat, { planted: () => Promise.resolve(planted), auditor })
    assert.equal(status, 'fails', evidence)
  })
}

const expectedGrants = readFileSync(new URL('../store/grants.expected.txt', import.meta.url), 'utf8').trimEnd().split('\n')

test('grants: what the migrations give is what was reviewed', async () => {
  const { status, evidence } = await verdictOf(databaseGrants, { auditor, expectedGrants })
  assert.equal(status, 'holds', evidence)
})

const grantSabotage: readonly { claim: string; sql: string }[] = [
  { claim: 'the gateway may read what is sealed', sql: 'GRANT SELECT (sealed) ON ngome.payments TO ngome_gateway' },
  { claim: 'the gateway may change a payment', sql: 'GRANT UPDATE ON ngome.payments TO ngome_gateway' },
  { claim: 'the gateway may read jobs', sql: 'GRANT SELECT ON pgboss.job TO ngome_gateway' },
  { claim: 'the dispatcher may issue keys', sql: 'GRANT INSERT ON ngome.api_keys TO ngome_dispatcher' },
  { claim: 'the operator may read sealed keys', sql: 'GRANT SELECT ON ngome.data_keys TO ngome_operator' },
  { claim: 'everybody may run a function', sql: 'CREATE FUNCTION ngome.open_door() RETURNS int LANGUAGE sql AS \'SELECT 1\'; GRANT EXECUTE ON FUNCTION ngome.open_door TO PUBLIC' },
  { claim: 'everybody may make tables', sql: 'GRANT CREATE ON SCHEMA public TO PUBLIC' },
  { claim: 'the auditor may write', sql: 'GRANT INSERT ON ngome.events TO ngome_auditor' },
  { claim: 'a table lets its owner past row-level security', sql: 'ALTER TABLE ngome.payments NO FORCE ROW LEVEL SECURITY' },
  { claim: 'a right that is needed is gone', sql: 'REVOKE INSERT ON ngome.payments FROM ngome_gateway' },
]
for (const { claim, sql } of grantSabotage) {
  test(`grants: ${claim} fails`, async () => {
    await database.asAdmin(sql)
    assert.equal((await verdictOf(databaseGrants, { auditor, expectedGrants })).status, 'fails')
  })
}

test('grants: a role that passes by row-level security fails', async () => {
  await database.asAdmin('ALTER ROLE ngome_operator BYPASSRLS')
  try {
    assert.equal((await verdictOf(databaseGrants, { auditor, expectedGrants })).status, 'fails')
  } finally {
    // Roles belong to the whole server, which other tests go on using.
    await database.asAdmin('ALTER ROLE ngome_operator NOBYPASSRLS')
  }
})

const refuses = (challenge: string) => Promise.resolve({
  outcome: 'refused' as const,
  refusal: signedRefusal(keys.custodian.privateKey, { challenge, caller: 'dispatcher/1', operation: '/v1/open', reason: 'record_refused' }),
})

test('merchant keys: two merchants with keys of their own, and a custodian that refuses, hold', async () => {
  const rows = { first: await sealedPaymentRow(), second: await sealedPaymentRow() }
  const { status, evidence } = await verdictOf(separateMerchantKeys, {
    planted: (which) => Promise.resolve(rows[which]), auditor, random: systemRandom,
    custodian: { statementKey: () => Promise.resolve(keys.custodian.publicKey) },
    selfTest: (_process, _name, { challenge }) => refuses(challenge),
  })
  assert.equal(status, 'holds', evidence)
})

test('merchant keys: one key for two merchants fails', async () => {
  const row = await sealedPaymentRow()
  const { status } = await verdictOf(separateMerchantKeys, {
    planted: () => Promise.resolve(row), auditor, random: systemRandom,
    custodian: { statementKey: () => Promise.resolve(keys.custodian.publicKey) },
    selfTest: (_process, _name, { challenge }) => refuses(challenge),
  })
  assert.equal(status, 'fails')
})

test('merchant keys: a custodian that gives out the key of a swapped record fails', async () => {
  const rows = { first: await sealedPaymentRow(), second: await sealedPaymentRow() }
  const { status } = await verdictOf(separateMerchantKeys, {
    planted: (which) => Promise.resolve(rows[which]), auditor, random: systemRandom,
    custodian: { statementKey: () => Promise.resolve(keys.custodian.publicKey) },
    selfTest: () => Promise.resolve({ outcome: 'allowed' }),
  })
  assert.equal(status, 'fails')
})

test('merchant keys: a refusal that answers another challenge fails', async () => {
  const rows = { first: await sealedPaymentRow(), second: await sealedPaymentRow() }
  const { status } = await verdictOf(separateMerchantKeys, {
    planted: (which) => Promise.resolve(rows[which]), auditor, random: systemRandom,
    custodian: { statementKey: () => Promise.resolve(keys.custodian.publicKey) },
    selfTest: () => refuses(newChallenge(systemRandom)),
  })
  assert.equal(status, 'fails')
})
