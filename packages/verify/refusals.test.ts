import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { before, test } from 'node:test'
import { generateMerchantKeyPair, makeDataKey, sealRecord, signStatement, verifyStatement } from '@ngome/envelope'
import { ManualClock, newId, systemClock, systemRandom } from '@ngome/kernel'
import type { Auditor } from './at-rest/auditor.ts'
import type { PlantedPayment } from './at-rest/plant-payment.ts'
import type { Attempt, CustodianView } from './custodian/custodian-view.ts'
import type { Probe } from './probe.ts'
import { dispatcherCannotOverreach } from './probes/dispatcher-cannot-overreach.ts'
import { gatewayCannotOpen } from './probes/gateway-cannot-open.ts'
import { operatorCannotOpen } from './probes/operator-cannot-open.ts'
import { unapprovedRevealIsRefused } from './probes/unapproved-reveal-is-refused.ts'
import { runProbes } from './run-probes.ts'
import { signedRefusal } from './testing/signed-refusal.ts'

const from = { clock: systemClock, random: systemRandom }
const custodianKeys = generateKeyPairSync('ed25519')
const forgersKeys = generateKeyPairSync('ed25519')
const tenant = { merchant: newId('merchant', from), world: 'test' } as const
const planted: PlantedPayment = { id: newId('payment', from), tenant, phoneDigits: '46700000000', note: 'x' }

let auditor: Auditor

before(async () => {
  const nowMs = systemClock.nowMs()
  const { publicKey } = await generateMerchantKeyPair('hybrid')
  const statement = verifyStatement(signStatement({
    keyId: newId('merchantKey', from), tenant, retention: 'payment', period: 1, notBeforeMs: nowMs - 1, notAfterMs: nowMs + 9e6,
    suite: 'hybrid', publicKey,
  }, custodianKeys.privateKey), custodianKeys.publicKey)
  const dataKey = await makeDataKey({ statement, signer: { id: newId('signer', from), privateKey: forgersKeys.privateKey }, ...from })
  const context = { tenant, table: 'payments', recordId: planted.id, dataClass: 'restricted' as const, version: 1 }
  const blob = sealRecord(dataKey, context, Buffer.from('{}'), systemRandom)
  auditor = { query: <Row>() => Promise.resolve([{ blob, key: dataKey.sealed }] as unknown as readonly Row[]) }
})

/** What a probe is given: the answer to an attempt by this caller over this challenge. */
type Answer = (caller: string, challenge: string) => Attempt

const genuine: Answer = (caller, challenge) => ({
  outcome: 'refused',
  refusal: signedRefusal(custodianKeys.privateKey, { challenge, caller: `${caller}/77`, operation: 'x', reason: 'caller_not_permitted' }),
})

const sabotage: readonly { claim: string; answer: Answer }[] = [
  { claim: 'the custodian allows it', answer: () => ({ outcome: 'allowed' }) },
  { claim: 'a refusal without a signature', answer: () => ({ outcome: 'refused', refusal: null }) },
  {
    claim: 'a refusal that the process signed itself',
    answer: (caller, challenge) => ({
      outcome: 'refused',
      refusal: signedRefusal(forgersKeys.privateKey, { challenge, caller, operation: 'x', reason: 'caller_not_permitted' }),
    }),
  },
  { claim: 'an old refusal, of another challenge', answer: (caller) => genuine(caller, 'AAAAAAAAAAAAAAAAAAAAAA') },
  { claim: 'a refusal of somebody else', answer: (_, challenge) => genuine('simulator', challenge) },
  {
    claim: 'a refusal because of the question, not of who asks',
    answer: (caller, challenge) => ({
      outcome: 'refused',
      refusal: signedRefusal(custodianKeys.privateKey, { challenge, caller, operation: 'x', reason: 'request_invalid' }),
    }),
  },
]

function custodianWith(caller: string, answer: Answer): CustodianView {
  return {
    endpoint: { name: 'custodian', host: '127.0.0.1', port: 1 },
    enrolment: { name: 'custodian enrolment', host: '127.0.0.1', port: 1 },
    statementKey: () => Promise.resolve(custodianKeys.publicKey),
    attempt: (_path, _request, challenge) => Promise.resolve(answer(caller, challenge)),
  }
}

/** Refuses a reveal for what it lacks: an approval, or people whom it knows. */
const revealing: CustodianView = {
  ...custodianWith('operator', genuine),
  attempt: (_path, request, challenge) => Promise.resolve({
    outcome: 'refused',
    refusal: signedRefusal(custodianKeys.privateKey, {
      challenge, caller: 'operator/77', operation: '/v1/reveal', reason: 'approval' in request ? 'unproven' : 'approval_missing',
    }),
  }),
}

test('reveal: a custodian that looks for an approval, but not at it, fails', async () => {
  const credulous: CustodianView = {
    ...revealing,
    attempt: (path, request, challenge) => (
      'approval' in request ? Promise.resolve({ outcome: 'allowed' }) : revealing.attempt(path, request, challenge)
    ),
  }
  const target = { planted: () => Promise.resolve(planted), auditor, random: systemRandom, custodian: credulous }
  assert.equal(await statusOf(unapprovedRevealIsRefused, target), 'fails')
})

async function statusOf<T>(probe: Probe<T>, target: T): Promise<string> {
  const [result] = await runProbes([probe], target, new ManualClock(0))
  return `${result?.status}`
}

const subjects: readonly { name: string; look: (answer: Answer) => Promise<string> }[] = [
  {
    name: 'gateway',
    look: (answer) => statusOf(gatewayCannotOpen, {
      planted: () => Promise.resolve(planted), auditor, random: systemRandom, custodian: custodianWith('gateway', answer),
      selfTest: (process, _name, { challenge }) => Promise.resolve(answer(process, challenge)),
    }),
  },
  {
    name: 'operator',
    look: (answer) => statusOf(operatorCannotOpen, {
      planted: () => Promise.resolve(planted), auditor, random: systemRandom, custodian: custodianWith('operator', answer),
    }),
  },
  {
    name: 'dispatcher',
    look: (answer) => statusOf(dispatcherCannotOverreach, {
      planted: () => Promise.resolve(planted), auditor, random: systemRandom, custodian: custodianWith('dispatcher', answer),
      selfTest: (process, _name, { challenge }) => Promise.resolve(answer(process, challenge)),
    }),
  },
  {
    name: 'reveal',
    look: (answer) => statusOf(unapprovedRevealIsRefused, {
      planted: () => Promise.resolve(planted), auditor, random: systemRandom,
      custodian: answer === genuine ? revealing : custodianWith('operator', answer),
    }),
  },
]

for (const { name, look } of subjects) {
  test(`${name}: refusals that the custodian signed over our challenge hold`, async () => {
    assert.equal(await look(genuine), 'holds')
  })
  for (const { claim, answer } of sabotage) {
    test(`${name}: ${claim} fails`, async () => {
      assert.equal(await look(answer), 'fails')
    })
  }
}

test('a gateway that is away is unchecked', async () => {
  const status = await statusOf(gatewayCannotOpen, {
    planted: () => Promise.resolve(planted), auditor, random: systemRandom, custodian: custodianWith('gateway', genuine),
    selfTest: () => Promise.reject(new Error('ECONNREFUSED')),
  })
  assert.equal(status, 'unchecked')
})

test('dispatcher: an egress guard that lets it reach a private address fails', async () => {
  const status = await statusOf(dispatcherCannotOverreach, {
    planted: () => Promise.resolve(planted), auditor, random: systemRandom, custodian: custodianWith('dispatcher', genuine),
    selfTest: (process, name, { challenge }) => {
      return Promise.resolve(name === 'egress-guard' ? { outcome: 'connected' } : genuine(process, challenge))
    },
  })
  assert.equal(status, 'fails')
})
