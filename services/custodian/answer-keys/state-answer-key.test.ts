import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { answerKeyLifeMs } from '@ngome/contracts'
import { readAnswerKey, readPinSet } from '@ngome/runtime'
import { clockSkewMs } from '../authority/authority.ts'
import { TestCustodian } from '../testing/test-custodian.ts'

const key = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }).x ?? ''

async function opened(t: { after(fn: () => void): void }): Promise<TestCustodian> {
  const custodian = await TestCustodian.open()
  t.after(() => custodian.remove())
  return custodian
}

test('a gateway\'s answer key is stated for two hours, and recorded', async (t) => {
  const custodian = await opened(t)
  const nowMs = custodian.clock.nowMs()
  const { statement } = await custodian.call(await custodian.peer('gateway'), '/v1/answer-key', { key })
  const { publicKey } = custodian.custodian.statementKey
  assert.deepEqual(readAnswerKey(statement, publicKey), {
    key, issued_at: new Date(nowMs - clockSkewMs).toISOString(), expires_at: new Date(nowMs + answerKeyLifeMs).toISOString(),
  })
  assert.equal(readPinSet(statement, publicKey), undefined)
  const [logged] = custodian.lastLog(1)
  assert.deepEqual([logged?.['operation'], logged?.['outcome'], logged?.['subject']], ['/v1/answer-key', 'allowed', `answer-key/${key}`])
})

const attacks: readonly (readonly [string, string])[] = [
  ['a key in a second spelling', `${'A'.repeat(42)}B`],
  ['a key that is too short', key.slice(1)],
  ['a key that is too long', `${key}A`],
  ['no key', ''],
]
for (const [what, text] of attacks) {
  test(`${what} is refused and recorded`, async (t) => {
    const custodian = await opened(t)
    await assert.rejects(custodian.call(await custodian.peer('gateway'), '/v1/answer-key', { key: text }), { code: 'custodian/refused' })
    assert.equal(custodian.lastLog(1)[0]?.['reason'], 'request_invalid')
  })
}
