import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { vaultBatchMax, vaultBatchSchema, vaultTokenPageSchema, vaultTokenSchema, type VaultTokenView } from '@ngome/contracts'
import { deriveRecordKey, encodeRecordContext, openRecord, openSealedDataKey, parseBlob, parseSealedDataKey } from '@ngome/envelope'
import { Secret } from '@ngome/kernel'
import type { Answer } from '@ngome/testkit'
import { problemIn } from '../testing/problem-in.ts'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'

const card = '4929 7372 9041 7382'
const digits = card.replaceAll(' ', '')

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
const post = (body: object, idempotencyKey = `v-${++serial}`, as = merchant): Promise<Answer> =>
  as.client.call({ method: 'POST', path: '/v1/vault/tokens', body, idempotencyKey })
const get = (id: string, as = merchant): Promise<Answer> => as.client.call({ path: `/v1/vault/tokens/${id}` })
const remove = (id: string, as = merchant): Promise<Answer> => as.client.call({ method: 'DELETE', path: `/v1/vault/tokens/${id}` })

async function create(body: object, as = merchant): Promise<VaultTokenView> {
  const answer = await post(body, undefined, as)
  assert.equal(answer.status, 201, answer.text)
  return vaultTokenSchema.parse(JSON.parse(answer.text))
}

/** Everything of a refusal but its own request id. */
function said(answer: Answer): unknown {
  const { request_id: _own, ...rest } = problemIn(answer)
  return rest
}

suite('a token', () => {
  test('stands for a card, and shows its network and last four', async () => {
    const token = await create({ type: 'card_number', value: card, metadata: { customer: 'c-1' } })
    assert.deepEqual([token.type, token.network, token.masked, token.metadata, token.fingerprint, token.expires_at],
      ['card_number', 'visa', '•••• 7382', { customer: 'c-1' }, { status: 'pending', value: null }, null])
    const read = await get(token.id)
    assert.deepEqual([read.status, JSON.parse(read.text)], [200, token])
  })

  test('is kept once for a request that is repeated, and a key that comes with another value is refused', async () => {
    const [first, again] = [await post({ type: 'text', value: 'one' }, 'same'), await post({ type: 'text', value: 'one' }, 'same')]
    assert.equal(again.text, first.text)
    assert.equal(again.headers['idempotent-replayed'], 'true')
    const reused = await post({ type: 'text', value: 'two' }, 'same')
    assert.deepEqual([reused.status, problemIn(reused).code], [422, 'idempotency/key_reused'])
  })

  test('holds, sealed for itself alone, what was given in its one form', async () => {
    const { id } = await create({ type: 'card_number', value: card, expires_at: '2036-01-01T00:00:00Z' })
    const sealed = JSON.parse(Buffer.from(await opened(id, id)).toString()) as unknown
    assert.deepEqual(sealed, { type: 'card_number', value: digits, expires_at: '2036-01-01T00:00:00.000Z' })
    const { id: elsewhere } = await create({ type: 'card_number', value: card })
    await assert.rejects(opened(id, elsewhere), { code: 'envelope/open_refused' })
  })

  test('does not tell how long its value is', async () => {
    const lengths = await Promise.all(['a', 'b'.repeat(60)].map(async (value) => {
      const { id } = await create({ type: 'text', value })
      const [row] = await running.database.asAdmin('SELECT length(sealed) AS bytes FROM ngome.vault_tokens WHERE id = $1', [id])
      return row?.['bytes']
    }))
    assert.equal(lengths[0], lengths[1])
  })

  test('is listed, newest first, page by page, and only to its own merchant', async () => {
    const owner = await running.addMerchant()
    const made: string[] = []
    for (const value of ['a', 'b', 'c']) made.unshift((await create({ type: 'text', value }, owner)).id)
    await remove(made[1] ?? '', owner)
    const page = async (query: string, as = owner) => vaultTokenPageSchema.parse(JSON.parse((await as.client.call({ path: `/v1/vault/tokens${query}` })).text))
    const first = await page('?limit=1')
    assert.deepEqual(first.data.map(({ id }) => id), [made[0]])
    const second = await page(`?limit=1&cursor=${first.next_cursor ?? ''}`)
    assert.deepEqual([second.data.map(({ id }) => id), second.next_cursor], [[made[2]], null])
    assert.deepEqual((await page('', await running.addMerchant())).data, [])
    const stolen = await other.client.call({ path: `/v1/vault/tokens?cursor=${first.next_cursor ?? ''}` })
    assert.deepEqual([stolen.status, problemIn(stolen).errors?.[0]?.pointer], [422, '/cursor'])
  })
})

suite('the same 404 answers', () => {
  test('unknown, not yours, deleted and expired', async () => {
    const absent = 'tok_01k8z3f7q2e9d8m4n6p0r5s7tv'
    const unknown = said(await get(absent))
    assert.equal((unknown as { code: string }).code, 'vault/token_unknown')
    const { id: theirs } = await create({ type: 'text', value: 'x' }, other)
    const { id: deleted } = await create({ type: 'card_number', value: card })
    const { id: expired } = await create({ type: 'text', value: 'x', expires_at: new Date(Date.now() + 1_500).toISOString() })
    const removed = await remove(deleted)
    assert.deepEqual([removed.status, removed.text], [204, ''])
    await sleep(1_550)
    for (const id of [absent, theirs, deleted, expired, 'tok_x', 'pay_01k8z3f7q2e9d8m4n6p0r5s7tv']) {
      assert.deepEqual(said(await get(id)), unknown, id)
      assert.deepEqual(said(await remove(id)), unknown, id)
    }
    assert.equal((await get(theirs, other)).status, 200, 'another merchant could delete it')
  })

  test('while a deleted token leaves a tombstone with nothing of its value', async () => {
    const { id } = await create({ type: 'card_number', value: card, metadata: { a: 'b' } })
    await remove(id)
    const [row] = await running.database.asAdmin('SELECT sealed, network, masked, metadata, fingerprint, ended FROM ngome.vault_tokens WHERE id = $1', [id])
    assert.deepEqual(row, { sealed: null, network: null, masked: null, metadata: {}, fingerprint: null, ended: 'deleted' })
  })
})

suite('bad input is named, never repeated', () => {
  const planted = '7385-PLANTED-9041'
  const cases: readonly (readonly [string, object, string])[] = [
    ['a wrong check digit', { type: 'card_number', value: '4929 7372 9041 7383' }, '/value'],
    ['a value that is too long', { type: 'text', value: `${planted}${'x'.repeat(4_096)}` }, '/value'],
    ['a value of another kind', { type: 'phone', value: planted }, '/value'],
    ['a value that is a number', { type: 'card_number', value: 4929 }, '/value'],
    ['a value that is a list', { type: 'card_number', value: ['4929'] }, '/value'],
    ['no value', { type: 'text' }, '/value'],
    ['a type that is none', { type: digits, value: 'x' }, '/type'],
    ['an end that is over', { type: 'text', value: planted, expires_at: '2020-01-01T00:00:00Z' }, '/expires_at'],
    ['an end that is no time', { type: 'text', value: planted, expires_at: digits }, '/expires_at'],
    ['a card number in metadata', { type: 'text', value: planted, metadata: { note: card } }, '/metadata'],
    ['a card number as a name in metadata', { type: 'text', value: planted, metadata: { [digits]: 'x' } }, '/metadata'],
    ['metadata that nests', { type: 'text', value: planted, metadata: { a: { b: digits } } }, '/metadata'],
    ['metadata that is too long', { type: 'text', value: planted, metadata: { a: digits.repeat(20) } }, '/metadata'],
    ['too many names in metadata', { type: 'text', value: planted, metadata: Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`a${at}`, 'x'])) }, '/metadata'],
    ['a field that is not known', { type: 'text', value: planted, [`card${digits}`]: 'x' }, ''],
  ]
  for (const [what, body, pointer] of cases) {
    test(what, async () => {
      const answer = await post(body)
      assert.deepEqual([answer.status, problemIn(answer).code], [422, 'request/invalid'], answer.text)
      assert.deepEqual(problemIn(answer).errors?.map((one) => one.pointer), [pointer])
      assertHoldsNothing(answer.text)
    })
  }

  test('a body that is too large is refused whole', async () => {
    const answer = await post({ type: 'text', value: 'x'.repeat(20_000) })
    assert.equal(answer.status, 413)
  })

  test('and a database that is in the way tells the log nothing of a value', async () => {
    await running.database.asAdmin('ALTER TABLE ngome.vault_tokens ADD CONSTRAINT sabotage CHECK (masked IS NULL) NOT VALID')
    try {
      const answer = await post({ type: 'card_number', value: card })
      assert.deepEqual([answer.status, problemIn(answer).code], [500, 'gateway/internal'])
    } finally {
      await running.database.asAdmin('ALTER TABLE ngome.vault_tokens DROP CONSTRAINT sabotage')
    }
    assertHoldsNothing(running.logLines.join('\n'))
  })
})

suite('a batch', () => {
  const batch = (tokens: readonly object[], idempotencyKey = `b-${++serial}`): Promise<Answer> =>
    merchant.client.call({ method: 'POST', path: '/v1/vault/tokens/batch', body: { tokens }, idempotencyKey })

  test('gives each item its own result, in order, and none of the refused is kept', async () => {
    const answer = await batch([{ type: 'card_number', value: card }, { type: 'card_number', value: '4929' }, { type: 'text' }, { type: 'text', value: 'ok' }])
    assert.equal(answer.status, 200, answer.text)
    const { results } = vaultBatchSchema.parse(JSON.parse(answer.text))
    assert.deepEqual(results.map(({ id, error }) => [id !== null, error?.pointer ?? null]),
      [[true, null], [false, '/value'], [false, '/value'], [true, null]])
    assertHoldsNothing(answer.text)
    for (const { id } of results) if (id !== null) assert.equal((await get(id)).status, 200)
  })

  test('of five hundred is kept once, however often it is sent, and sent at once', async () => {
    const owner = await running.addMerchant()
    const tokens = Array.from({ length: vaultBatchMax }, (_, at) => ({ type: 'text', value: `value ${at}` }))
    const send = () => owner.client.call({ method: 'POST', path: '/v1/vault/tokens/batch', body: { tokens }, idempotencyKey: 'whole' })
    const answers = await Promise.all([send(), send(), send()])
    const kept = answers.filter((one) => one.status === 200)
    assert.ok(kept.length > 0, answers[0]?.text)
    assert.equal(new Set([...kept, await send()].map((one) => one.text)).size, 1)
    const [row] = await running.database.asAdmin('SELECT count(*)::int AS n FROM ngome.vault_tokens WHERE merchant = $1', [owner.tenant.merchant])
    assert.equal(row?.['n'], vaultBatchMax)
  })

  test('whose every item is refused still ends the same for a repetition', async () => {
    const worst = Array.from({ length: vaultBatchMax }, () => ({ type: 'identity_document', value: '!' }))
    const [first, again] = [await batch(worst, 'worst'), await batch(worst, 'worst')]
    assert.deepEqual([first.status, again.text], [200, first.text])
  })

  const refused: readonly (readonly [string, object, string])[] = [
    ['of none', { tokens: [] }, '/tokens'],
    ['of too many', { tokens: Array.from({ length: vaultBatchMax + 1 }, () => ({ type: 'text', value: 'x' })) }, '/tokens'],
    ['of what are no objects', { tokens: [card] }, '/tokens/0'],
  ]
  for (const [what, body, pointer] of refused) {
    test(`${what} is refused whole`, async () => {
      const answer = await merchant.client.call({ method: 'POST', path: '/v1/vault/tokens/batch', body, idempotencyKey: `r-${++serial}` })
      assert.deepEqual([answer.status, problemIn(answer).errors?.[0]?.pointer], [422, pointer])
      assertHoldsNothing(answer.text)
    })
  }
})

test('no row of the database and no line of the log holds the card number in any form', async () => {
  await create({ type: 'card_number', value: card })
  const tables = await running.database.asAdmin(`SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname IN ('ngome', 'pgboss')`)
  assert.ok(tables.length > 15)
  for (const { name } of tables) {
    const rows = await running.database.asAdmin(`SELECT t::text AS row FROM ${String(name)} t`)
    assertHoldsNothing(rows.map(({ row }) => String(row)).join('\n'))
  }
  assertHoldsNothing(running.logLines.join('\n'))
  assert.throws(() => assertHoldsNothing(`x${createHash('sha256').update(digits).digest('hex')}`), 'the search sees what it looks for')
})

/** Fails where a text holds the planted card number as it is, spaced, encoded or as a digest without a key. */
function assertHoldsNothing(text: string): void {
  const forms = [digits, card, digits.slice(0, 12), 'PLANTED', ...[digits, card].flatMap((one) => [
    Buffer.from(one).toString('hex'), Buffer.from(one).toString('base64').replaceAll('=', ''), Buffer.from(one, 'utf16le').toString('hex'),
    ...['md5', 'sha1', 'sha256', 'sha512'].flatMap((name) => [
      createHash(name).update(one).digest('hex'), createHash(name).update(one).digest('base64').replaceAll('=', ''),
    ]),
  ])]
  for (const form of forms) assert.ok(!text.includes(form), `readable as ${form.slice(0, 4)}… of ${form.length}`)
}

/** Opens a token's blob as the custodian and the dispatcher would, in the place of `as`. */
async function opened(id: string, as: string): Promise<Uint8Array> {
  const [row] = await running.database.asAdmin(
    'SELECT t.sealed, d.sealed AS data_key FROM ngome.vault_tokens t JOIN ngome.data_keys d ON d.id = t.data_key WHERE t.id = $1', [id])
  const sealedKey = row?.['data_key'] as Uint8Array
  const privateKey = running.custody.privateKeys.get(parseSealedDataKey(sealedKey)?.merchantKeyId ?? '')
  assert.ok(privateKey)
  const dataKey = await openSealedDataKey({ sealed: sealedKey, suite: 'hybrid', privateKey, signerPublicKey: running.signerPublicKey })
  const blob = row?.['sealed'] as Uint8Array
  const context = encodeRecordContext({ tenant: merchant.tenant, table: 'vault_tokens', recordId: as, dataClass: 'restricted', version: 1 }, 'hybrid')
  return openRecord(new Secret(deriveRecordKey(dataKey, context, parseBlob(blob)?.salt ?? new Uint8Array())), blob)
}
