import assert from 'node:assert/strict'
import { generateKeyPairSync, verify } from 'node:crypto'
import { test } from 'node:test'
import {
  challengeHeader, custodianOperations, custodianSecretNames, refusalStatementSchema, type CustodianPath,
} from '@ngome/contracts'
import { Fault, ManualClock, newId, parseBase64Url, processRoles, systemRandom, toBase64Url } from '@ngome/kernel'
import { CustodianRefusal, newCertificateRequest, spkiPin, verifyRefusal } from '@ngome/runtime'
import { destruction } from '../testing/test-destruction.ts'
import { allAllowed, endRequest, issueKey, rehashRequest } from '../testing/test-api-key.ts'
import { ownKeyRequest, stateKey } from '../testing/test-own-key.ts'
import { newDataKey, openRequest, sealedRecord } from '../testing/sealed-record.ts'
import { admission, approvalText, approvedReveal, newPerson, revealRequest, signedBy, twoPeople } from '../testing/test-staff.ts'
import { TestCustodian, type Gateway, type Peer } from '../testing/test-custodian.ts'
import { admitCall, answerCall } from './answer-call.ts'
import { anonymous, callerName } from './caller.ts'
import { operationCallers, secretCallers } from './permissions.ts'
import { recordedPerMinuteMax, RefusalMeter } from './refusal-meter.ts'
import { refusalReasons } from './refusal.ts'

type Caller = Peer['role'] | 'anonymous'
type World = { test: TestCustodian; clock: ManualClock; gateway: Gateway; peers: Record<Caller, Peer | null> }

/** The whole table, written out once more by hand: a change of the product's table must be meant. */
const permitted: Readonly<Record<CustodianPath, readonly Caller[]>> = {
  '/v1/enrol': ['anonymous'],
  '/v1/renew': ['gateway', 'dispatcher', 'operator', 'auditor'],
  '/v1/public-certificate': ['gateway'],
  '/v1/certificates': ['operator', 'auditor'],
  '/v1/revoke-certificate': ['operator'],
  '/v1/end-signer': ['gateway'],
  '/v1/merchants': ['operator'],
  '/v1/merchant-keys': ['gateway'],
  '/v1/replaced-keys': ['gateway'],
  '/v1/tenants': ['gateway'],
  '/v1/secrets': ['gateway', 'dispatcher'],
  '/v1/secret-versions': ['gateway', 'dispatcher'],
  '/v1/api-key-verifier': ['operator'],
  '/v1/rehash-api-key': ['gateway'],
  '/v1/end-api-key': ['operator'],
  '/v1/open': ['dispatcher'],
  '/v1/index': ['dispatcher'],
  '/v1/advance-fingerprints': ['dispatcher'],
  '/v1/index-rotations': ['dispatcher'],
  '/v1/index-progress': ['dispatcher'],
  '/v1/admit-staff': ['operator'],
  '/v1/retire-staff': ['operator'],
  '/v1/staff': ['operator', 'auditor'],
  '/v1/approvals': ['operator', 'auditor'],
  '/v1/reveal': ['operator'],
  '/v1/rotate-root-key': ['operator'],
  '/v1/rotate-merchant-keys': ['operator'],
  '/v1/rotate-authority': ['operator'],
  '/v1/rotate-secret': ['operator'],
  '/v1/rotate-index-key': ['operator'],
  '/v1/rotations': ['operator', 'auditor'],
  '/v1/destroy-merchant-keys': ['operator'],
  '/v1/cancel-destruction': ['operator'],
  '/v1/destructions': ['operator', 'auditor'],
  '/v1/key-inventory': ['operator', 'auditor'],
  '/v1/forward-destination': ['operator'],
  '/v1/merchant-signing-key': ['operator'],
  '/v1/revoke-merchant-signing-key': ['operator'],
  '/v1/merchant-signing-key-state': ['dispatcher'],
  '/v1/own-api-key': ['gateway'],
  '/v1/pin-set': ['operator'],
  '/v1/answer-key': ['gateway'],
  '/v1/alarms': ['dispatcher'],
  '/v1/openings': ['operator', 'auditor'],
}
const paths = Object.keys(custodianOperations) as CustodianPath[]
const callers: readonly Caller[] = [...processRoles, 'anonymous']

async function world(t: { after(fn: () => void): void }): Promise<World> {
  const clock = new ManualClock(1_800_000_000_000)
  const test = await TestCustodian.open({ clock })
  t.after(() => test.remove())
  const gateway = await test.gateway()
  // Nobody is enrolled as the custodian; this is its own server certificate in a thief's hands.
  test.db.exec(`INSERT INTO certificates VALUES ('c0', 'own', 'custodian', 0, ${clock.nowMs() * 2}, 0, NULL, 'c0', NULL, '', NULL, 1, 1)`)
  const peers = {
    gateway: gateway.peer, dispatcher: await test.peer('dispatcher'), operator: await test.peer('operator'), auditor: await test.peer('auditor'),
    custodian: { role: 'custodian', serial: 'c0' } as const, anonymous: null,
  }
  return { test, clock, gateway, peers }
}

/** A body that a permitted caller would be answered. */
async function bodyOf(path: CustodianPath, { test, gateway, clock }: World, role: Caller): Promise<unknown> {
  const tenant = await test.tenant()
  const { csr } = await newCertificateRequest('gateway')
  switch (path) {
    case '/v1/enrol': return { token: test.token(), csr, signer: null }
    case '/v1/renew': case '/v1/public-certificate': return { csr }
    case '/v1/revoke-certificate': return { serial: gateway.peer.serial }
    case '/v1/certificates': return { after: null, isPresent: true }
    case '/v1/end-signer': return {}
    case '/v1/merchants': return tenant
    case '/v1/merchant-keys': return { tenants: [tenant] }
    case '/v1/replaced-keys': return { since: new Date(clock.nowMs()).toISOString() }
    case '/v1/tenants': return { after: null }
    case '/v1/secrets': case '/v1/secret-versions': return { names: role === 'gateway' ? ['api-pepper'] : ['callback'] }
    case '/v1/api-key-verifier': {
      return { ...tenant, key: newId('apiKey', { clock, random: systemRandom }), digest: toBase64Url(new Uint8Array(32)), settings: allAllowed }
    }
    case '/v1/rehash-api-key': return rehashRequest(await issueKey(test, tenant))
    case '/v1/end-api-key': return endRequest(await issueKey(test, tenant), clock.nowMs() + 1_000)
    case '/v1/rotate-authority': return { compromised: false }
    case '/v1/rotate-secret': return { name: 'api-pepper', compromised: false, endAt: null }
    case '/v1/open': {
      const dataKey = await newDataKey(test, gateway, tenant)
      return openRequest(dataKey.sealed, [sealedRecord(clock, dataKey, 'x')])
    }
    case '/v1/index': return { ...tenant, blinded: [toBase64Url(new Uint8Array(32))] }
    case '/v1/admit-staff': return admission('Amina', generateKeyPairSync('ed25519'))
    case '/v1/retire-staff': {
      const [one, two] = [await newPerson(test), await newPerson(test, 'Okello')]
      const text = approvalText(clock, { operation: path, parameters: { staff: one.id } })
      return { staff: one.id, approval: signedBy(text, two) }
    }
    case '/v1/staff': return {}
    case '/v1/approvals': {
      await test.call(await test.peer('operator'), '/v1/destroy-merchant-keys', await destruction(test, tenant))
      return { after: null }
    }
    case '/v1/reveal': {
      const dataKey = await newDataKey(test, gateway, tenant)
      return approvedReveal(test, revealRequest(tenant, dataKey, sealedRecord(clock, dataKey, 'x')), await twoPeople(test))
    }
    case '/v1/rotate-root-key': case '/v1/rotations': case '/v1/destructions': return {}
    case '/v1/destroy-merchant-keys': return destruction(test, tenant)
    case '/v1/cancel-destruction': {
      return { id: (await test.call(await test.peer('operator'), '/v1/destroy-merchant-keys', await destruction(test, tenant))).destruction }
    }
    case '/v1/advance-fingerprints': {
      await test.call(await test.peer('operator'), '/v1/rotate-index-key', { ...tenant, compromised: false })
      return { ...tenant, generation: 1, fingerprints: [toBase64Url(new Uint8Array(16))], left: 1 }
    }
    case '/v1/index-rotations': return {}
    case '/v1/index-progress': return { ...tenant, left: 0 }
    case '/v1/rotate-index-key': case '/v1/rotate-merchant-keys': return { ...tenant, compromised: true }
    case '/v1/key-inventory': return { after: null }
    case '/v1/forward-destination': {
      return {
        ...tenant, destination: newId('forwardDestination', { clock, random: systemRandom }), url: 'https://bank.example/', methods: ['POST'],
        certificateSha256: null, authority: null, expires: new Date(clock.nowMs() + 1_000).toISOString(),
      }
    }
    case '/v1/merchant-signing-key': {
      const spki = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' })
      return {
        ...tenant, key: newId('merchantSigningKey', { clock, random: systemRandom }), from: { spki: toBase64Url(spki) }, uses: ['sign'],
        expires: new Date(clock.nowMs() + 1_000).toISOString(),
      }
    }
    case '/v1/revoke-merchant-signing-key': case '/v1/merchant-signing-key-state': return { ...tenant, key: (await stateKey(test, tenant)).id }
    case '/v1/own-api-key': return ownKeyRequest(test, await stateKey(test, tenant))
    case '/v1/pin-set': {
      const { csr, publicKey } = await newCertificateRequest('gateway')
      const [from, until] = [new Date(clock.nowMs()).toISOString(), new Date(clock.nowMs() + 1_000).toISOString()]
      const pin = { not_before: from, not_after: until }
      return {
        set: {
          version: 1, names: ['localhost'], expires_at: until,
          pins: [{ ...pin, role: 'current', spki_sha256: `${'A'.repeat(43)}=` }, { ...pin, role: 'backup', spki_sha256: spkiPin(publicKey) }],
        },
        backupRequests: [csr],
      }
    }
    case '/v1/answer-key': return { key: `${'A'.repeat(42)}E` }
    case '/v1/alarms': case '/v1/openings': return { after: 0 }
    default: return path satisfies never
  }
}

for (const path of paths) {
  for (const role of callers) {
    const isPermitted = permitted[path].includes(role)
    test(`${path} of ${role} is ${isPermitted ? 'answered by the contract' : 'refused, recorded and signed'}`, async (t) => {
      const w = await world(t)
      const body = await bodyOf(path, w, role) as never
      const challenge = toBase64Url(systemRandom.bytes(32))
      const answer = w.test.call(w.peers[role], path, body, challenge)
      if (isPermitted) {
        custodianOperations[path].response.parse(await answer)
        return
      }
      await assert.rejects(answer, (fault) => {
        assert.ok(fault instanceof CustodianRefusal)
        assert.ok(fault.refusal)
        const said = verifyRefusal(w.test.custodian.statementKey.publicKey, fault.refusal, challenge)
        assert.deepEqual([said?.caller, said?.operation], [callerName(w.peers[role] ?? anonymous), path])
        return true
      })
      const [row] = w.test.lastLog(1)
      assert.equal(row?.['outcome'], 'refused')
      assert.equal(row?.['reason'], role === 'custodian' ? 'certificate_not_for_calls' : 'caller_not_permitted')
    })
  }
}

test('the table names every operation and every secret', () => {
  assert.deepEqual(operationCallers, permitted)
  assert.deepEqual(Object.keys(secretCallers).toSorted(), custodianSecretNames.toSorted())
})

test('a refusal without a challenge is not signed, one with a bad challenge neither', async (t) => {
  const { test, peers } = await world(t)
  for (const challenge of [undefined, '', 'AAAA', 'A'.repeat(87), '!'.repeat(32)]) {
    await assert.rejects(test.call(peers.gateway, '/v1/openings', { after: 0 }, challenge), (fault) => {
      assert.ok(fault instanceof CustodianRefusal)
      assert.equal(fault.refusal, undefined)
      return true
    })
  }
})

test('a signed refusal says what was refused, to whom and when, and nothing that helps a forger', async (t) => {
  const { test, clock, peers } = await world(t)
  const challenge = toBase64Url(new Uint8Array(16))
  const body = { purpose: 'dispatch', dataKeys: ['AAAA'], records: [{ dataKey: 0, context: 'AAAA', salt: 'AAAA' }] } as const
  await assert.rejects(test.call(peers.dispatcher, '/v1/open', { ...body, dataKeys: [...body.dataKeys], records: [...body.records] }, challenge), (fault) => {
    assert.ok(fault instanceof CustodianRefusal && fault.refusal)
    const { statement, signature } = fault.refusal
    assert.deepEqual(refusalStatementSchema.parse(JSON.parse(statement)), {
      challenge, caller: callerName(peers.dispatcher ?? anonymous), operation: '/v1/open', reason: 'record_refused',
      at: new Date(clock.nowMs()).toISOString(),
    })
    assert.ok(verify(null, Buffer.from(statement), test.custodian.statementKey.publicKey, parseBase64Url(signature) ?? new Uint8Array()))
    return true
  })
  assert.equal(test.lastLog(1)[0]?.['reason'], 'data_key_malformed')
  assert.equal(challengeHeader, 'ngome-challenge')
})

const unknownPaths = ['/v1/key', '/', '/v1/open/', '/V1/OPEN', '/v1/__proto__', 'toString', `/${'x'.repeat(5_000)}`, '/v1/\u001b[31m\n']

for (const path of unknownPaths) {
  test(`refuses an operation that there is not: ${JSON.stringify(path.slice(0, 20))}`, async (t) => {
    const { test, peers } = await world(t)
    for (const peer of [peers.operator, null]) {
      await assert.rejects(admitCall(test.custodian, { peer, path }), { code: 'custodian/refused' })
      const [row] = test.lastLog(1)
      assert.equal(row?.['reason'], 'operation_unknown')
      assert.match(String(row?.['operation']), /^[\x20-\x7e]{0,512}$/)
    }
  })
}

test('refuses a certificate that is not on record, whatever role it says', async (t) => {
  const { test } = await world(t)
  for (const role of processRoles) {
    await assert.rejects(test.call({ role, serial: 'f'.repeat(32) }, '/v1/openings', { after: 0 }), { code: 'custodian/refused' })
    assert.equal(test.lastLog(1)[0]?.['reason'], 'certificate_unknown')
  }
})

test('refuses a certificate that says another role than was issued', async (t) => {
  const { test, gateway } = await world(t)
  await assert.rejects(test.call({ role: 'operator', serial: gateway.peer.serial }, '/v1/openings', { after: 0 }), { code: 'custodian/refused' })
  assert.equal(test.lastLog(1)[0]?.['reason'], 'certificate_not_for_calls')
})

test('refuses a certificate in the moment in which it ends', async (t) => {
  const { test, clock, peers } = await world(t)
  clock.advance(86_400_000 - 1)
  await test.call(peers.gateway, '/v1/tenants', { after: null })
  clock.advance(1)
  await assert.rejects(test.call(peers.gateway, '/v1/tenants', { after: null }), { code: 'custodian/refused' })
  assert.equal(test.lastLog(1)[0]?.['reason'], 'certificate_expired')
})

test('a caller that only is refused cannot fill the disk', async (t) => {
  const { test, clock, peers } = await world(t)
  const rows = test.count('log')
  const calls = Array.from({ length: recordedPerMinuteMax + 50 }, () => test.call(peers.gateway, '/v1/openings', { after: 0 }))
  for (const { status } of await Promise.allSettled(calls)) assert.equal(status, 'rejected')
  assert.equal(test.count('log'), rows + recordedPerMinuteMax + 1)
  assert.equal(test.lastLog(1)[0]?.['reason'], 'refusals_unrecorded')
  clock.advance(60_000)
  await assert.rejects(test.call(peers.gateway, '/v1/openings', { after: 0 }))
  assert.equal(test.lastLog(1)[0]?.['reason'], 'caller_not_permitted')
})

test('the meter of refusals forgets the longest quiet caller', () => {
  const meter = new RefusalMeter()
  for (let at = 0; at < recordedPerMinuteMax; at++) meter.count('loud', 0)
  assert.equal(meter.count('loud', 0), 'last')
  assert.equal(meter.count('loud', 0), 'not')
  for (let at = 0; at < 1_024; at++) meter.count(`caller ${at}`, 0)
  assert.equal(meter.count('loud', 0), 'whole')
})

test('a bug is not taken for a refusal', async (t) => {
  const { test, peers } = await world(t)
  test.close()
  await assert.rejects(async () => answerCall(test.custodian, { peer: peers.operator, path: '/v1/openings' }, { after: 0 }), (error) => !(error instanceof Fault))
})

test('every reason is one word in the log and tells a caller no more than it may know', () => {
  for (const [reason, told] of Object.entries(refusalReasons)) {
    assert.match(reason, /^[a-z_]+$/)
    if (/^(?:token|csr|certificate)_/.test(reason)) assert.equal(told, 'unproven')
  }
})

test('what is about the record itself has one public word, and nothing about callers, requests or clocks has it', () => {
  const aboutRecords = Object.entries(refusalReasons).filter(([, told]) => told === 'record_refused').map(([reason]) => reason)
  assert.deepEqual(aboutRecords.toSorted(), [
    'data_key_malformed', 'data_key_misplaced', 'data_key_too_old', 'data_key_unopenable', 'inner_misplaced', 'merchant_key_destroyed',
    'merchant_key_unknown', 'retention_not_permitted', 'signer_not_valid_then', 'signer_unknown', 'suite_differs', 'tenant_differs',
  ])
})
