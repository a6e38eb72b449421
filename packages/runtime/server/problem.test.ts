import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { problemSchema } from '@ngome/contracts'
import { Fault, faults, newId, systemClock, systemRandom, type FaultCode } from '@ngome/kernel'
import { CustodianRefusal } from '../custodian/refusal.ts'
import { faultOf, problemOf } from './problem.ts'
import { checkReadiness } from './readiness.ts'

const requestId = newId('request', { clock: systemClock, random: systemRandom })

describe('a problem document', () => {
  test('follows the contract for every fault there is, and tells nothing of the moment', () => {
    for (const code of Object.keys(faults) as FaultCode[]) {
      const problem = problemOf(new Fault(code, 'planted', { cause: new Error('planted') }), requestId)
      assert.deepEqual(problemSchema.parse(problem), problem)
      assert.equal(problem.title, faults[code].public)
      assert.doesNotMatch(JSON.stringify(problem), /planted/)
    }
  })

  test('names refused fields, and carries a signed refusal', () => {
    const fields = [{ pointer: '/payer/phone', detail: 'E.164' }]
    assert.deepEqual(problemOf(new Fault('request/invalid', 'x', { fields }), requestId).errors, fields)
    const refusal = { statement: 's', signature: 'AA' }
    assert.deepEqual(problemOf(new CustodianRefusal('x', { refusal, cause: new Error('y') }), requestId).refusal, refusal)
    assert.equal('refusal' in problemOf(new CustodianRefusal('x'), requestId), false)
  })

  const thrown: readonly (readonly [claim: string, error: unknown, code: FaultCode])[] = [
    ['a fault', new Fault('payments/unknown', 'x'), 'payments/unknown'],
    ['a body too large', { code: 'FST_ERR_CTP_BODY_TOO_LARGE', statusCode: 413 }, 'request/too_large'],
    ['a media type', { code: 'FST_ERR_CTP_INVALID_MEDIA_TYPE', statusCode: 415 }, 'request/media_type'],
    ['another refusal of the framework', { code: 'FST_ERR_BAD_URL', statusCode: 400 }, 'request/malformed'],
    ['a failure of the framework', { code: 'FST_ERR_REP_SENT', statusCode: 500 }, 'gateway/internal'],
    ['a bug', new TypeError('x'), 'gateway/internal'],
    ['a status without a meaning', { statusCode: 'x' }, 'gateway/internal'],
    ['nothing', undefined, 'gateway/internal'],
    ['null', null, 'gateway/internal'],
    ['words', 'x', 'gateway/internal'],
  ]
  for (const [claim, error, code] of thrown) {
    test(`is ${code} for ${claim}`, () => {
      const fault = faultOf(error)
      assert.equal(fault.code, code)
      assert.ok(fault === error || fault.cause === error)
    })
  }
})

describe('readiness', () => {
  test('holds where every check holds, and each failure has its reason', async () => {
    assert.deepEqual(await checkReadiness({}), { ready: true, checks: {} })
    const { ready, checks } = await checkReadiness({
      good: () => null,
      bad: async () => 'no keys yet',
      fault: () => Promise.reject(new Fault('store/unavailable', 'planted')),
      bug: () => { throw new TypeError('planted') },
      late: () => new Promise(() => undefined),
    })
    assert.equal(ready, false)
    assert.deepEqual(Object.fromEntries(Object.entries(checks).map(([name, { reason }]) => [name, reason])), {
      good: null, bad: 'no keys yet', fault: 'store/unavailable', bug: 'the check failed', late: 'no answer in 2000 ms',
    })
  })
})
