import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { before, test } from 'node:test'
import { generateMerchantKeyPair, makeDataKey, signStatement, verifyStatement } from '@ngome/envelope'
import { ManualClock, newId, systemClock, systemRandom, type MerchantKeyId } from '@ngome/kernel'
import type { KeyInventory, Rotations } from './custodian/key-records.ts'
import { keysRotateByPolicy } from './probes/keys-rotate-by-policy.ts'
import { runProbes } from './run-probes.ts'

type Key = KeyInventory['keys'][number]
type Records = { keys: Key[]; rotations: Rotations; dataKeys: Uint8Array[] }

const from = { clock: systemClock, random: systemRandom }
const hourMs = 3_600_000
const nowMs = systemClock.nowMs()
const date = (hours: number): string => new Date(nowMs + hours * hourMs).toISOString()
const [old, present, coming] = [newId('merchantKey', from), newId('merchantKey', from), newId('merchantKey', from)]
const signing = { custodian: generateKeyPairSync('ed25519'), gateway: generateKeyPairSync('ed25519') }

const key = (name: string, changes: Partial<Key>): Key => ({
  purpose: 'merchant', name, tenant: null, suite: 'hybrid', state: 'active', createdAt: date(-40), activeAt: null,
  decryptOnlyAt: null, compromisedAt: null, destroyedAt: null, nextRotationAt: null, ...changes,
})

let sealedTo: (merchantKey: MerchantKeyId, hours: number) => Promise<Uint8Array>
before(async () => {
  const { publicKey } = await generateMerchantKeyPair('hybrid')
  sealedTo = async (keyId, hours) => {
    const tenant = { merchant: newId('merchant', from), world: 'test' } as const
    const statement = verifyStatement(signStatement({
      keyId, tenant, retention: 'payment', period: 1, notBeforeMs: nowMs - 1_000 * hourMs, notAfterMs: nowMs + 1_000 * hourMs, suite: 'hybrid', publicKey,
    }, signing.custodian.privateKey), signing.custodian.publicKey)
    const clock = new ManualClock(nowMs + hours * hourMs)
    return (await makeDataKey({ statement, signer: { id: newId('signer', from), privateKey: signing.gateway.privateKey }, clock, random: systemRandom })).sealed
  }
})

/** Two periods, of which one is over, and a root that has time. */
async function records(): Promise<Records> {
  return {
    keys: [
      key('soft_1', { purpose: 'root', activeAt: date(-40), nextRotationAt: date(8_000) }),
      key(old, { state: 'decrypt-only', activeAt: date(-30), decryptOnlyAt: date(-6) }),
      key(present, { activeAt: date(-6), nextRotationAt: date(18) }),
      key(coming, { state: 'pending' }),
    ],
    rotations: [{
      id: newId('rotation', from), level: 'root', subject: 'a b', cause: 'policy', state: 'done', total: 3, done: 3, startedAt: date(-40), endsAt: null, endedAt: date(-40),
    }],
    dataKeys: [await sealedTo(present, -1), await sealedTo(old, -10)],
  }
}

async function look({ keys, rotations, dataKeys }: Records): Promise<{ status: string; evidence: string }> {
  const [result] = await runProbes([keysRotateByPolicy], {
    auditor: { query: <Row>() => Promise.resolve(dataKeys.map((bytes) => ({ key: bytes })) as unknown as readonly Row[]) },
    keyRecords: {
      inventory: () => Promise.resolve({ root: { id: 'soft_1', name: 'x', isProtected: false, ageSMax: 1 }, keys }),
      rotations: () => Promise.resolve(rotations),
    },
  }, new ManualClock(0))
  assert.ok(result)
  return result
}

test('keys that are replaced in their time hold', async () => {
  const { status, evidence } = await look(await records())
  assert.equal(status, 'holds', evidence)
  assert.match(evidence, /1 merchant keys were followed.*2 data keys sealed within/)
})

test('a key that nothing replaces by itself is named, and the row is partial', async () => {
  const known = await records()
  known.keys.push(key('v1', { purpose: 'statement', activeAt: date(-40) }))
  const { status, evidence } = await look(known)
  assert.equal(status, 'partial')
  assert.match(evidence, /a time after which these are replaced: statement/)
})

test('where no key has come to its end yet, nobody has seen one replaced', async () => {
  const known = await records()
  known.keys = known.keys.filter(({ name }) => name !== old)
  known.dataKeys.pop()
  const { status, evidence } = await look(known)
  assert.equal(status, 'partial')
  assert.match(evidence, /missing: a merchant key that has come to its end here/)
})

test('a secret whose old version is kept for a while is not stuck', async () => {
  const known = await records()
  known.rotations = known.rotations.map((one) => ({ ...one, level: 'secret', state: 'running', startedAt: date(-90), endsAt: date(20), endedAt: null }))
  assert.equal((await look(known)).status, 'holds')
})

test('an authority\'s rotation that waits for certificates to end is not stuck', async () => {
  const known = await records()
  known.rotations = known.rotations.map((one) => ({ ...one, level: 'authority', state: 'running', startedAt: date(-48), endsAt: null, endedAt: null }))
  assert.equal((await look(known)).status, 'holds')
})

const sabotage: Readonly<Record<string, (known: Records) => void | Promise<void>>> = {
  'a merchant key in use past its time': ({ keys }) => { keys[2] = key(present, { activeAt: date(-30), nextRotationAt: date(-1) }) },
  'a root key in use past its age': ({ keys }) => { keys[0] = key('soft_1', { purpose: 'root', activeAt: date(-9_000), nextRotationAt: date(-1) }) },
  'a rotation that is stuck': (known) => { known.rotations = known.rotations.map((one) => ({ ...one, state: 'running', done: 1, endedAt: null, startedAt: date(-2) })) },
  'a secret\'s rotation that is past its end': (known) => { known.rotations = known.rotations.map((one) => ({ ...one, level: 'secret', state: 'running', endedAt: null, endsAt: date(-2) })) },
  'an authority\'s rotation that is stuck': (known) => { known.rotations = known.rotations.map((one) => ({ ...one, level: 'authority', state: 'running', endedAt: null, startedAt: date(-50) })) },
  'a data key sealed to a key whose time was over': async ({ dataKeys }) => { dataKeys.push(await sealedTo(old, -1)) },
  'a data key sealed to a key that others know': async ({ keys, dataKeys }) => {
    keys[1] = key(old, { state: 'compromised', activeAt: date(-30), compromisedAt: date(-6) })
    dataKeys.push(await sealedTo(old, -1))
  },
  'a data key sealed to a key before it was made': async ({ dataKeys }) => { dataKeys.push(await sealedTo(present, -50)) },
  'a data key sealed to a key that is not in use yet': async ({ dataKeys }) => { dataKeys.push(await sealedTo(coming, -1)) },
  'a data key sealed to a key that the custodian does not know': async ({ dataKeys }) => { dataKeys.push(await sealedTo(newId('merchantKey', from), 0)) },
}
for (const [name, act] of Object.entries(sabotage)) {
  test(`${name}: fails`, async () => {
    const known = await records()
    await act(known)
    const { status, evidence } = await look(known)
    assert.equal(status, 'fails', evidence)
  })
}
