import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { test } from 'node:test'
import { destructionCertificateBytes, signedDestructionCertificateSchema, type CustodianResponse } from '@ngome/contracts'
import type { DataKey } from '@ngome/envelope'
import { ManualClock, systemClock, systemRandom, toBase64Url, type Tenant } from '@ngome/kernel'
import { CustodianRefusal } from '@ngome/runtime'
import { destroyedKeysStayDestroyed, runProbes, type Attempt, type KeyRecords, type OpeningsLog, type SelfTester } from '@ngome/verify'
import { newDataKey, sealedRecord, type SealedRecord } from '../testing/sealed-record.ts'
import { TestCustodian, type Gateway, type Peer } from '../testing/test-custodian.ts'
import { destruction } from '../testing/test-destruction.ts'
import { workOnKeys } from './work-on-keys.ts'

const dayMs = 86_400_000

type Inventory = CustodianResponse<'/v1/key-inventory'>
type Destruction = CustodianResponse<'/v1/destructions'>['destructions'][number]
/** A real custodian, and what stands between it and who looks at it. */
type World = {
  readonly test: TestCustodian
  readonly clock: ManualClock
  readonly tenant: Tenant
  readonly gateway: Gateway
  readonly operator: Peer
  readonly rows: { dataKey: DataKey; record: SealedRecord }[]
  inventory: (said: Inventory) => Inventory
  destructions: (said: Destruction[]) => Destruction[]
  pull: (said: Awaited<ReturnType<OpeningsLog['pull']>>) => typeof said
  attempt: (said: Attempt) => Attempt
}

const world = async (t: { after(fn: () => void): void }): Promise<World> => {
  const clock = new ManualClock(systemClock.nowMs())
  const custodian = await TestCustodian.open({ clock })
  t.after(() => custodian.remove())
  const tenant = await custodian.tenant()
  const gateway = await custodian.gateway()
  const dataKey = await newDataKey(custodian, gateway, tenant)
  return {
    test: custodian, clock, tenant, gateway, operator: await custodian.peer('operator'),
    rows: [{ dataKey, record: sealedRecord(clock, dataKey, 'x') }],
    inventory: (said) => said, destructions: (said) => said, pull: (said) => said, attempt: (said) => said,
  }
}

/** Destroys all keys of the tenant, after the wait; then it is the first day again, where its records are still young. */
async function destroy({ test, tenant, clock }: World, isBack = true): Promise<void> {
  await test.call(await test.peer('operator'), '/v1/destroy-merchant-keys', await destruction(test, tenant))
  clock.advance(7 * dayMs)
  await workOnKeys(test.custodian)
  if (isBack) clock.advance(60_000 - 7 * dayMs)
}

async function look(w: World): Promise<{ status: string; evidence: string }> {
  const { test, tenant, rows } = w
  const [operator, dispatcher] = [await test.peer('operator'), await test.peer('dispatcher')]
  const keyRecords: Pick<KeyRecords, 'inventory' | 'destructions'> = {
    inventory: async () => w.inventory(await test.call(operator, '/v1/key-inventory', { after: null })),
    destructions: async () => w.destructions((await test.call(operator, '/v1/destructions', {})).destructions),
  }
  const selfTest: SelfTester['selfTest'] = async (_process, _name, { challenge, opening }) => {
    const { dataKey, context, salt } = opening ?? assert.fail('without an opening')
    const request = { purpose: 'dispatch' as const, dataKeys: [dataKey], records: [{ dataKey: 0, context, salt }] }
    try {
      await test.call(dispatcher, '/v1/open', request, challenge)
      return w.attempt({ outcome: 'allowed' })
    } catch (error) {
      assert.ok(error instanceof CustodianRefusal)
      return w.attempt({ outcome: 'refused', refusal: error.refusal ?? null })
    }
  }
  const [result] = await runProbes([destroyedKeysStayDestroyed], {
    auditor: {
      query: <Row>(_sql: string, parameters: readonly unknown[] = []) => {
        assert.deepEqual(parameters, [tenant.merchant, tenant.world])
        return Promise.resolve(rows.map(({ dataKey, record }) => ({ id: record.context.recordId, blob: record.blob, key: dataKey.sealed })) as unknown as readonly Row[])
      },
    },
    custodian: { statementKey: () => Promise.resolve(test.custodian.statementKey.publicKey) },
    openingsLog: { pull: async (request) => w.pull(await test.call(operator, '/v1/openings', request)) },
    keyRecords, selfTest, random: systemRandom,
  }, new ManualClock(0))
  assert.ok(result)
  return result
}

test('where nothing was destroyed there is nothing to see', async (t) => {
  const w = await world(t)
  assert.equal((await look(w)).status, 'unchecked')
  await w.test.call(w.operator, '/v1/destroy-merchant-keys', await destruction(w.test, w.tenant))
  assert.equal((await look(w)).status, 'unchecked')
})

test('keys that were destroyed are seen to open nothing; under a root that lay in a file in part only', async (t) => {
  const w = await world(t)
  await destroy(w)
  const { status, evidence } = await look(w)
  assert.equal(status, 'partial', evidence)
  assert.match(evidence, /missing: a protected root key.*1 destructions of [0-9]+ keys.*1 records under them refused, 1 of them because the key is destroyed/)
})

test('records too old to be opened anyhow prove less, and the row says so', async (t) => {
  const w = await world(t)
  await destroy(w, false)
  const { status, evidence } = await look(w)
  assert.equal(status, 'partial', evidence)
  assert.match(evidence, /missing: a record young enough/)
})

/** A certificate with something changed, signed by whom the sabotage likes. */
function forge(certificate: string | null, privateKey: Parameters<typeof sign>[2], change: (text: string) => string = (text) => text): string {
  const signed = signedDestructionCertificateSchema.parse(JSON.parse(certificate ?? ''))
  const text = change(signed.certificate)
  return JSON.stringify({ certificate: text, signature: toBase64Url(sign(null, destructionCertificateBytes(text), privateKey)) })
}
const own = (w: World) => w.test.custodian.statementKey.privateKey
const changed = (w: World, change: (text: string) => string) => {
  w.destructions = (said) => said.map((one) => ({ ...one, certificate: forge(one.certificate, own(w), change) }))
}

const sabotage: Readonly<Record<string, (w: World) => void>> = {
  'a destruction that was due and waits': (w) => { w.destructions = (said) => said.map((one) => ({ ...one, state: 'waiting', dueAt: new Date(systemClock.nowMs() - dayMs).toISOString() })) },
  'a destruction without a certificate': (w) => { w.destructions = (said) => said.map((one) => ({ ...one, certificate: null })) },
  'a certificate that somebody else signed': (w) => { w.destructions = (said) => said.map((one) => ({ ...one, certificate: forge(one.certificate, generateKeyPairSync('ed25519').privateKey) })) },
  'a certificate that says something else than what certificates say': (w) => { changed(w, (text) => text.replace('"scope"', '"scopes"')) },
  'a certificate of another destruction': (w) => { changed(w, (text) => text.replace('"world":"test"', '"world":"live"')) },
  'a certificate that names another head of the log': (w) => { changed(w, (text) => text.replace(/"hash":"..../, '"hash":"AAAA')) },
  'a key that lives on': (w) => { w.inventory = ({ root, keys }) => ({ root, keys: keys.map((key) => (key.purpose === 'merchant' ? { ...key, state: 'decrypt-only' } : key)) }) },
  'a root that lives on': (w) => { w.inventory = ({ root, keys }) => ({ root, keys: keys.map((key) => (key.purpose === 'root' ? { ...key, state: 'decrypt-only' } : key)) }) },
  'a row of the log that tells another story': (w) => { w.pull = (said) => ({ ...said, entries: said.entries.map((entry) => ({ ...entry, subject: 'nothing' })) }) },
  'a row that is not proven': (w) => { w.pull = ({ entries, proof }) => ({ entries, proof: proof && { ...proof, inclusion: null } }) },
  'a log that does not go on': (w) => { w.pull = ({ entries, proof }) => ({ entries, proof: proof && { ...proof, consistency: null } }) },
  'a log that nobody signed': (w) => { w.pull = ({ entries }) => ({ entries }) },
  'an opening that is allowed': (w) => { w.attempt = () => ({ outcome: 'allowed' }) },
  'a refusal that the custodian did not sign': (w) => { w.attempt = () => ({ outcome: 'refused', refusal: null }) },
  'an attempt that is not in the log': (w) => { w.pull = (said) => ({ ...said, entries: said.entries.filter(({ operation }) => operation !== '/v1/open') }) },
}
for (const [name, act] of Object.entries(sabotage)) {
  test(`${name}: fails`, async (t) => {
    const w = await world(t)
    await destroy(w)
    act(w)
    const { status, evidence } = await look(w)
    assert.equal(status, 'fails', evidence)
  })
}

test('a minute in which too much is refused shows nothing', async (t) => {
  const w = await world(t)
  await destroy(w)
  w.pull = (said) => ({ ...said, entries: said.entries.map((entry) => (entry.operation === '/v1/open' ? { ...entry, reason: 'refusals_unrecorded' } : entry)) })
  assert.equal((await look(w)).status, 'unchecked')
})
