import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { test } from 'node:test'
import { deriveRecordKey, encodeRecordContext, parseBlob, parseClientSealed, sealRecord, type RecordContext } from '@ngome/envelope'
import { newId, systemRandom, toBase64Url } from '@ngome/kernel'
import { CustodianRefusal, type CustodianClient } from '@ngome/runtime'
import { newSealingParties } from '@ngome/testkit'
import { opener, type Opening } from './open-sealed.ts'

const { clock, dataKey, tenant, custodian } = await newSealingParties()
const context: RecordContext = { tenant, table: 'payments', recordId: 'pay_1', dataClass: 'restricted', version: 1 }
const record = { dataKey: dataKey.sealed, context, blob: sealRecord(dataKey, context, Buffer.from('{}'), systemRandom) }
const forger = generateKeyPairSync('ed25519')

type Said = { readonly reason?: string; readonly operation?: string; readonly challenge?: string; readonly signer?: typeof custodian }

/** What the opener makes of a refusal; `null` is one that nobody signed. */
function after(said: Said | null): Promise<Opening> {
  const call: CustodianClient['call'] = async (_path, _body, options) => {
    if (said === null) throw new CustodianRefusal('413 request/too_large')
    const { reason = 'record_refused', operation = '/v1/open', challenge = options?.challenge ?? '', signer = custodian } = said
    const statement = JSON.stringify({ challenge, caller: 'dispatcher/1', operation, reason, at: new Date(0).toISOString() })
    const signature = sign(null, Buffer.from(statement), signer.privateKey).toString('base64url')
    throw new CustodianRefusal('refused', { refusal: { statement, signature } })
  }
  return opener({ call }, custodian.publicKey, systemRandom)('dispatch', record, new AbortController().signal)
}

test('only what the custodian signed about the record, for this very call, ends a payment', async () => {
  assert.deepEqual(await after({}), { kind: 'unopenable', reason: 'record_refused' })
})

test('what it signed about a value that a client sealed is final as well, and named apart', async () => {
  assert.deepEqual(await after({ reason: 'inner_refused' }), { kind: 'unopenable', reason: 'inner_refused' })
})

test('an answer without the key of what a client sealed is no answer', async () => {
  const sealed = parseClientSealed(Buffer.concat([Buffer.from([1, 1]), Buffer.from(newId('merchantKey', { clock, random: systemRandom })), Buffer.alloc(1_264)]))
  assert.ok(sealed)
  const key = toBase64Url(deriveRecordKey(dataKey.key, encodeRecordContext(context, 'hybrid'), parseBlob(record.blob)?.salt ?? new Uint8Array()))
  for (const innerKeys of [undefined, [], ['AB'], ['AAAA', 'AAAA']]) {
    const call: CustodianClient['call'] = async () => ({ keys: [key], ...(innerKeys === undefined ? {} : { innerKeys }) }) as never
    const open = opener({ call }, custodian.publicKey, systemRandom)
    await assert.rejects(open('dispatch', { ...record, inner: { sealed, type: 'text' } }, AbortSignal.abort()), { code: 'custodian/unavailable' })
  }
})

const others: readonly [string, Said | null, string][] = [
  ['nobody signed, as of a body too large', null, 'unsigned'],
  ['another key signed', { signer: forger }, 'unsigned'],
  ['was signed for an earlier call', { challenge: 'A'.repeat(22) }, 'unsigned'],
  ['was signed about another operation', { operation: '/v1/index' }, 'unsigned'],
  ['is about our certificate or a clock', { reason: 'unproven' }, 'unproven'],
  ['is about our role', { reason: 'caller_not_permitted' }, 'caller_not_permitted'],
  ['is about the request', { reason: 'request_invalid' }, 'request_invalid'],
  ['is about a budget', { reason: 'budget_spent' }, 'budget_spent'],
  ['has a reason that is not known here', { reason: 'moon_phase' }, 'moon_phase'],
]
for (const [name, said, reason] of others) {
  test(`a refusal that ${name} passes: later`, async () => {
    assert.deepEqual(await after(said), { kind: 'later', reason })
  })
}
