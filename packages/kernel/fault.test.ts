import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Fault, publicFault, type FaultCode } from './fault.ts'
import { faults } from './faults.ts'

const codes = Object.keys(faults) as FaultCode[]

suite('a fault', () => {
  test('keeps its message and cause inside, and shows the table’s row outside', () => {
    const cause = new Error('connection refused')
    const fault = new Fault('store/unavailable', 'no connection to the primary', { cause })
    assert.ok(fault instanceof Error)
    assert.equal(fault.name, 'Fault')
    assert.equal(fault.message, 'no connection to the primary')
    assert.equal(fault.cause, cause)
    assert.deepEqual(fault.row, { code: 'store/unavailable', status: 503, public: 'Try again shortly.' })
    assert.deepEqual(fault.fields, [])
  })

  test('without a cause has none, not an undefined one', () => {
    assert.ok(!('cause' in new Fault('gateway/internal', 'broken')))
    assert.ok(!('cause' in new Fault('request/invalid', 'two fields', { fields: [] })))
  })

  test('carries where the caller’s input is wrong', () => {
    const fields = [{ pointer: '/amount', detail: 'more digits than the currency has' }]
    assert.deepEqual(new Fault('request/invalid', 'one field', { fields }).fields, fields)
  })
})

suite('the fault table', () => {
  for (const code of codes) {
    test(`${code} has an error status and a public sentence that says nothing of the inside`, () => {
      const row = publicFault(code)
      assert.equal(row.code, code)
      assert.match(code, /^[a-z]+(_[a-z]+)*\/[a-z]+(_[a-z]+)*$/)
      assert.ok(Number.isInteger(row.status) && row.status >= 400 && row.status <= 599)
      assert.match(row.public, /^[A-Z][^\n]*\.$/)
      assert.doesNotMatch(row.public, /sql|postgres|decrypt|stack|null|undefined/i)
    })
  }

  test('says the same of all that fails in the custodian’s authorisation, and of all that does not open', () => {
    const custodian = codes.filter((code) => code.startsWith('custodian/') && publicFault(code).status === 403).map((code) => publicFault(code).public)
    assert.equal(new Set(custodian).size, 1)
    const envelope = codes.filter((code) => code.startsWith('envelope/')).map((code) => publicFault(code))
    assert.equal(new Set(envelope.map(({ status, public: words }) => `${status} ${words}`)).size, 1)
  })
})
