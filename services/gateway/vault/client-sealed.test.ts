import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { vaultBatchSchema, vaultKeysSchema, vaultTokenSchema, type VaultKeys } from '@ngome/contracts'
import {
  deriveClientSealedKey, deriveRecordKey, encodeRecordContext, openClientSealed, openRecord, openSealedDataKey, parseBlob,
  parseClientSealed, parseSealedDataKey, verifyStatement,
} from '@ngome/envelope'
import { newId, Secret, systemClock, systemRandom } from '@ngome/kernel'
import { VaultKey, type ValueType } from '@ngome/sealer'
import type { Answer } from '@ngome/testkit'
import { problemIn } from '../testing/problem-in.ts'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'

const number = '4929 7372 9041 7382'

let running: TestGateway
let merchant: TestMerchant
let other: TestMerchant
before(async () => {
  running = await TestGateway.start()
  merchant = await running.addMerchant()
  other = await running.addMerchant()
})
after(() => running.close())

let serial = 0
const post = (body: object): Promise<Answer> =>
  merchant.client.call({ method: 'POST', path: '/v1/vault/tokens', body, idempotencyKey: `s-${++serial}` })

async function keysOf(as = merchant): Promise<VaultKeys['data']> {
  const answer = await as.client.call({ path: '/v1/vault/keys' })
  assert.equal(answer.status, 200, answer.text)
  return vaultKeysSchema.parse(JSON.parse(answer.text)).data
}

const pin = (): string => running.identity.statementKey.export({ format: 'jwk' }).x ?? ''

/** What a merchant's client does: fetches the key, checks it against what it has pinned, seals. */
async function clientSeals(type: ValueType, value: string, as = merchant): Promise<string> {
  const [key] = await keysOf(as)
  const { merchant: id, world } = as.tenant
  return (await VaultKey.verify(key?.statement ?? '', { statementKey: pin(), merchant: id, world, nowMs: Date.now() })).seal(type, value)
}

suite('the keys to seal to', () => {
  test('are the tenant\'s own for the vault, of now, each with what the custodian signed', async () => {
    const [key, ...others] = await keysOf()
    assert.equal(others.length, 0)
    const statement = verifyStatement(Buffer.from(key?.statement ?? '', 'base64url'), running.identity.statementKey)
    assert.deepEqual([statement.tenant, statement.retention, statement.keyId, statement.suite], [merchant.tenant, 'vault', key?.id, key?.suite])
    assert.deepEqual([new Date(statement.notBeforeMs).toISOString(), new Date(statement.notAfterMs).toISOString()], [key?.not_before, key?.not_after])
    assert.ok(statement.notBeforeMs <= Date.now() && Date.now() < statement.notAfterMs)
    assert.notEqual((await keysOf(other))[0]?.id, key?.id)
  })

  test('are for nobody without an API key', async () => {
    assert.equal((await merchant.client.call({ path: '/v1/vault/keys', headers: { authorization: 'Bearer x' } })).status, 401)
  })
})

suite('what a client sealed', () => {
  test('is taken unread: a token that is pending and shows nothing', async () => {
    const answer = await post({ type: 'card_number', sealed: await clientSeals('card_number', number) })
    assert.equal(answer.status, 201, answer.text)
    const token = vaultTokenSchema.parse(JSON.parse(answer.text))
    assert.deepEqual([token.status, token.network, token.masked, token.fingerprint], ['pending', null, null, { status: 'pending', value: null }])
    assert.deepEqual(JSON.parse((await merchant.client.call({ path: `/v1/vault/tokens/${token.id}` })).text), token)
  })

  test('opens to those two alone who may together: in this token, under the custodian\'s key for its client', async () => {
    const answer = await post({ type: 'card_number', sealed: await clientSeals('card_number', number) })
    const { id } = vaultTokenSchema.parse(JSON.parse(answer.text))
    const outer = JSON.parse(Buffer.from(await opened(id)).toString()) as Record<string, unknown>
    assert.deepEqual(Object.keys(outer), ['type', 'client_sealed', 'expires_at'])
    const sealed = parseClientSealed(Buffer.from(String(outer['client_sealed']), 'base64url'))
    assert.ok(sealed)
    const privateKey = running.custody.privateKeys.get(sealed.merchantKeyId)
    assert.ok(privateKey)
    const key = { keyId: sealed.merchantKeyId, suite: 'hybrid' as const, tenant: merchant.tenant, retention: 'vault' }
    const secret = new Secret(await deriveClientSealedKey({ key, type: 'card_number', enc: sealed.enc, privateKey }))
    assert.equal(Buffer.from(openClientSealed(secret, sealed)).toString(), number)
  })

  test('is as long in its row, whatever its length', async () => {
    const lengths = await Promise.all(['4', '4'.repeat(100)].map(async (value) => {
      const { id } = vaultTokenSchema.parse(JSON.parse((await post({ type: 'phone', sealed: await clientSeals('phone', value) })).text))
      return (await running.database.asAdmin('SELECT length(sealed) AS bytes FROM ngome.vault_tokens WHERE id = $1', [id]))[0]?.['bytes']
    }))
    assert.equal(lengths[0], lengths[1])
  })

  test('may be the longest text that there is', async () => {
    const answer = await post({ type: 'text', sealed: await clientSeals('text', 'x'.repeat(8_190)) })
    assert.equal(answer.status, 201, answer.text)
  })

  test('comes in batches too, each refused by itself', async () => {
    const tokens = [{ type: 'card_number', sealed: await clientSeals('card_number', number) }, { type: 'card_number', sealed: await clientSeals('card_number', number, other) }, { type: 'text', value: 'x' }]
    const answer = await merchant.client.call({ method: 'POST', path: '/v1/vault/tokens/batch', body: { tokens }, idempotencyKey: `s-${++serial}` })
    const { results } = vaultBatchSchema.parse(JSON.parse(answer.text))
    assert.deepEqual(results.map(({ id, error }) => [id !== null, error?.pointer ?? null]), [[true, null], [false, '/sealed'], [true, null]])
  })
})

const change = (at: number, to: number) => async (): Promise<string> => {
  const bytes = Buffer.from(await clientSeals('card_number', number), 'base64url')
  bytes[at] = to
  return bytes.toString('base64url')
}

suite('is refused where it is', () => {
  const cases: readonly (readonly [string, () => Promise<string>, string])[] = [
    ['of another merchant', () => clientSeals('card_number', number, other), 'vault/key_refused'],
    ['for a key that there is not', async () => Buffer.concat([Buffer.from([1, 1]), Buffer.from(newId('merchantKey', { clock: systemClock, random: systemRandom })), Buffer.alloc(1_264)]).toString('base64url'), 'vault/key_refused'],
    ['said to be of another suite', async () => {
      const [key] = await keysOf()
      return Buffer.concat([Buffer.from([1, 2]), Buffer.from(key?.id ?? ''), Buffer.from([4]), Buffer.alloc(64 + 144)]).toString('base64url')
    }, 'vault/key_refused'],
    ['of another format', change(0, 2), 'request/invalid'],
    ['of a suite that there is not', change(1, 9), 'request/invalid'],
    ['without a key id', change(2, 0x21), 'request/invalid'],
    ['one byte short', async () => Buffer.from(await clientSeals('card_number', number), 'base64url').subarray(1).toString('base64url'), 'request/invalid'],
    ['one byte too long', async () => `${await clientSeals('card_number', number)}AA`, 'request/invalid'],
    ['of a text\'s length', () => clientSeals('text', number), 'request/invalid'],
    ['nothing', async () => 'AAAA', 'request/invalid'],
    ['no base64url', async () => number, 'request/invalid'],
    ['far too long', async () => 'A'.repeat(13_000), 'request/invalid'],
  ]
  for (const [what, sealed, code] of cases) {
    test(what, async () => {
      const text = await sealed()
      const answer = await post({ type: 'card_number', sealed: text })
      assert.deepEqual([answer.status, problemIn(answer).code, problemIn(answer).errors?.map(({ pointer }) => pointer)], [422, code, ['/sealed']], answer.text)
      assert.equal(answer.text.includes(text.slice(0, 12)), false)
    })
  }

  test('beside a value, or with a mask of the client\'s own', async () => {
    const sealed = await clientSeals('card_number', number)
    const both = await post({ type: 'card_number', sealed, value: number })
    assert.deepEqual([both.status, problemIn(both).errors?.[0]?.pointer, both.text.includes('4929')], [422, '/sealed', false])
    assert.equal((await post({ type: 'card_number', sealed, masked: '•••• 0000' })).status, 422)
  })
})

suite('a merchant whose policy takes no values in clear', () => {
  const batch = (as: TestMerchant, tokens: readonly object[]): Promise<Answer> =>
    as.client.call({ method: 'POST', path: '/v1/vault/tokens/batch', body: { tokens }, idempotencyKey: `p-${++serial}` })
  const send = (as: TestMerchant, body: object): Promise<Answer> =>
    as.client.call({ method: 'POST', path: '/v1/vault/tokens', body, idempotencyKey: `p-${++serial}` })

  test('is obeyed within the lease, by a connection that stands, in both directions, and touches nobody else', async () => {
    const strict = await running.addMerchant()
    for (const [policy, status] of [['allowed', 201], ['refused', 422], ['allowed', 201]] as const) {
      await running.setVaultPlaintext(strict, policy)
      const untilMs = performance.now() + 30_000
      let answer = await send(strict, { type: 'text', value: 'x' })
      while (answer.status !== status && performance.now() < untilMs) answer = await send(strict, { type: 'text', value: 'x' })
      assert.equal(answer.status, status, answer.text)
    }
    assert.equal((await send(other, { type: 'text', value: 'x' })).status, 201)
  })

  test('is told the field and what to do, never the value, and nothing of it is kept', async () => {
    const strict = await running.addMerchant()
    await running.setVaultPlaintext(strict, 'refused')
    const sealed = await clientSeals('card_number', number, strict)
    const refused: readonly (readonly [Answer, readonly string[]])[] = [
      [await send(strict, { type: 'card_number', value: number }), ['/value']],
      [await send(strict, { type: 'card_number', value: number, sealed }), ['/value']],
      [await batch(strict, [{ type: 'card_number', sealed }, { type: 'card_number', value: number }, { value: null }]), ['/tokens/1/value', '/tokens/2/value']],
      [await batch(strict, Array.from({ length: 30 }, () => ({ type: 'text', value: 'x' }))), Array.from({ length: 20 }, (_, at) => `/tokens/${at}/value`)],
    ]
    for (const [answer, pointers] of refused) {
      assert.deepEqual([answer.status, problemIn(answer).code], [422, 'vault/plaintext_refused'], answer.text)
      assert.deepEqual(problemIn(answer).errors?.map(({ pointer }) => pointer), pointers)
      assert.match(problemIn(answer).errors?.[0]?.detail ?? '', /GET \/v1\/vault\/keys/)
      assert.equal(answer.text.includes('4929'), false)
    }
    const [row] = await running.database.asAdmin('SELECT count(*)::int AS n FROM ngome.vault_tokens WHERE merchant = $1', [strict.tenant.merchant])
    assert.equal(row?.['n'], 0)
    assert.equal((await send(strict, { type: 'card_number', sealed })).status, 201)
  })
})

/** A token's record, opened as the custodian and the dispatcher would. */
async function opened(id: string): Promise<Uint8Array> {
  const [row] = await running.database.asAdmin(
    'SELECT t.sealed, d.sealed AS data_key FROM ngome.vault_tokens t JOIN ngome.data_keys d ON d.id = t.data_key WHERE t.id = $1', [id])
  const sealedKey = row?.['data_key'] as Uint8Array
  const privateKey = running.custody.privateKeys.get(parseSealedDataKey(sealedKey)?.merchantKeyId ?? '')
  assert.ok(privateKey)
  const dataKey = await openSealedDataKey({ sealed: sealedKey, suite: 'hybrid', privateKey, signerPublicKey: running.signerPublicKey })
  const blob = row?.['sealed'] as Uint8Array
  const context = encodeRecordContext({ tenant: merchant.tenant, table: 'vault_tokens', recordId: id, dataClass: 'restricted', version: 1 }, 'hybrid')
  return openRecord(new Secret(deriveRecordKey(dataKey, context, parseBlob(blob)?.salt ?? new Uint8Array())), blob)
}
