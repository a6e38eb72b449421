import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { addressMatcher, noCaps, scopes, type ApiKeySettings, type Scope } from '@ngome/access'
import { Fault, newId, systemClock, systemRandom, type Currency } from '@ngome/kernel'
import { acceptPayment } from '@ngome/store'
import { testAcceptance, type Answer } from '@ngome/testkit'
import { examples } from '../api/examples.ts'
import { operationNames, operations, type Operation, type OperationName } from '../api/operations.ts'
import type { AuthenticatedCaller } from '../http/call.ts'
import { problemIn } from '../testing/problem-in.ts'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'
import { authorizeCall } from './authorize-call.ts'

const withKey = operationNames.filter((name) => operations[name].credentials === 'api-key')
const codeOf = (work: () => void): string => {
  try {
    work()
    return 'allowed'
  } catch (error) {
    assert.ok(error instanceof Fault)
    return error.code
  }
}
const callerWith = (allowed: readonly Scope[], ranges: readonly string[] = []): AuthenticatedCaller => ({
  apiKey: 'key_test', scopes: new Set(allowed), mayCallFrom: ranges.length === 0 ? null : addressMatcher(ranges),
}) as unknown as AuthenticatedCaller
const from = (remoteAddress: string | undefined, headers: object = {}): { socket: { remoteAddress: string | undefined }; headers: object } =>
  ({ socket: { remoteAddress }, headers })

describe('each operation', () => {
  test('has a scope, but for the one that ends the very key that asks', () => {
    assert.deepEqual(withKey.filter((name) => (operations[name] as Operation).scope === undefined), ['revokeThisApiKey'])
    assert.equal(codeOf(() => authorizeCall(callerWith([]), from('192.0.2.1'), 'revokeThisApiKey')), 'allowed')
    const code = codeOf(() => authorizeCall(callerWith([], ['198.51.100.0/24']), from('192.0.2.1'), 'revokeThisApiKey'))
    assert.equal(code, 'access/address_refused')
  })

  for (const name of withKey) {
    const { scope, sealedScope }: Operation = operations[name]
    if (scope === undefined) continue
    test(`${name} is allowed with ${scope}, and not with all others together`, () => {
      assert.equal(codeOf(() => authorizeCall(callerWith([scope]), from('192.0.2.1'), name)), 'allowed')
      const others = scopes.filter((one) => one !== scope && one !== sealedScope)
      assert.equal(codeOf(() => authorizeCall(callerWith(others), from('192.0.2.1'), name)), 'access/scope_missing')
    })
  }
})

const addressAttacks: readonly (readonly [claim: string, address: string | undefined, headers?: object])[] = [
  ['from beside the range', '198.51.101.0'],
  ['from nowhere', undefined],
  ['that says in X-Forwarded-For where it would like to be from', '203.0.113.9', { 'x-forwarded-for': '198.51.100.7' }],
  ['that says so in Forwarded', '203.0.113.9', { forwarded: 'for=198.51.100.7' }],
  ['from IPv6 that looks like the address in it', '2001:db8::198.51.100.7'],
  ['from the address in the form that was given up', '::198.51.100.7'],
]
for (const [claim, address, headers] of addressAttacks) {
  test(`a key with a range refuses a call ${claim}`, () => {
    const code = codeOf(() => authorizeCall(callerWith(['payments:read'], ['198.51.100.0/24']), from(address, headers), 'listPayments'))
    assert.equal(code, 'access/address_refused')
  })
}

test('a key with a range takes calls from it, also where the socket writes them as IPv6', () => {
  for (const address of ['198.51.100.0', '198.51.100.255', '::ffff:198.51.100.7']) {
    assert.equal(codeOf(() => authorizeCall(callerWith(['payments:read'], ['198.51.100.0/24']), from(address), 'listPayments')), 'allowed')
  }
})

describe('at a running gateway', () => {
  let running: TestGateway
  let owner: TestMerchant
  before(async () => {
    running = await TestGateway.start()
    owner = await running.addMerchant()
  })
  after(() => running.close())

  let serial = 0
  const call = (as: TestMerchant, name: OperationName, body: unknown = examples[name]?.request, idempotencyKey = `a-${++serial}`): Promise<Answer> => {
    const operation: Operation = operations[name]
    return as.client.call({
      method: operation.method, path: operation.path, ...(body === undefined ? {} : { body }),
      ...(operation.needsIdempotencyKey === true ? { idempotencyKey } : {}),
    })
  }
  const order = (amount: string, changes: object = {}): object =>
    ({ amount, currency: 'EUR', network: 'mtn-sandbox', payer: { phone: '+46733123499' }, reference: 'r', ...changes })
  const issue = (changes: Partial<ApiKeySettings>): Promise<TestMerchant> => running.issueKey(owner.tenant, changes)
  const said = (answer: Answer): readonly unknown[] => [answer.status, answer.status < 400 ? '' : problemIn(answer).code]

  test('a scope that is missing is said, and one that is there is enough', async () => {
    const reader = await issue({ scopes: new Set<Scope>(['payments:read']) })
    assert.deepEqual(said(await call(reader, 'listPayments')), [200, ''])
    assert.deepEqual(said(await call(reader, 'createPayment', order('5.00'))), [403, 'access/scope_missing'])
  })

  test('a publishable key gets keys to seal to; in clear it brings nothing in, and it reads nothing', async () => {
    const page = await issue({ kind: 'publishable' })
    assert.match(page.key, /^ngome_pk_test_/)
    assert.deepEqual(said(await call(page, 'listVaultKeys')), [200, ''])
    const inClear = await call(page, 'createVaultToken', { type: 'text', value: 'a planted secret' })
    assert.deepEqual(said(inClear), [403, 'access/scope_missing'])
    // It comes as far as the look at what was sealed: the form is what its scope is for.
    assert.deepEqual(said(await call(page, 'createVaultToken', { type: 'text', sealed: 'AAAA' })), [422, 'request/invalid'])
    for (const name of ['listVaultTokens', 'createVaultTokens', 'createPayment', 'listWebhookEndpoints'] as const) {
      assert.deepEqual(said(await call(page, name)), [403, 'access/scope_missing'], name)
    }
  })

  test('an address that is not in the list is refused, and headers change nothing', async () => {
    const [here, elsewhere] = [await issue({ allowedAddresses: ['127.0.0.0/8'] }), await issue({ allowedAddresses: ['192.0.2.0/24', '::/0'] })]
    assert.deepEqual(said(await call(here, 'listPayments')), [200, ''])
    assert.deepEqual(said(await call(elsewhere, 'listPayments')), [403, 'access/address_refused'])
    const spoofed = await elsewhere.client.call({ path: '/v1/payments', headers: { 'x-forwarded-for': '192.0.2.7' } })
    assert.ok(spoofed.status === 400 || problemIn(spoofed).code === 'access/address_refused', spoofed.text)
  })

  test('a key that has ended is answered as one that never was', async () => {
    const ending = await issue({ expiresAtMs: systemClock.nowMs() + 2_500 })
    assert.deepEqual(said(await call(ending, 'listPayments')), [200, ''])
    await sleep(2_550)
    assert.deepEqual(said(await call(ending, 'listPayments')), [401, 'access/unauthenticated'])
  })

  const edits: readonly (readonly [claim: string, sql: string])[] = [
    ['all scopes', `settings = jsonb_set(settings, '{scopes}', (SELECT settings->'scopes' FROM ngome.api_keys WHERE id = '%'))`],
    ['no addresses', `settings = jsonb_set(settings, '{allowedAddresses}', '[]')`],
    ['no end', `settings = jsonb_set(settings, '{expiresAt}', 'null')`],
    ['a later end', `settings = jsonb_set(settings, '{expiresAt}', '"2099-01-01T00:00:00.000Z"')`],
    ['higher caps', `settings = jsonb_set(settings, '{caps,amountMax}', '{"EUR": "99999999"}')`],
    ['no caps', `settings = jsonb_set(settings, '{caps,amountMax}', '{}')`],
    ['another kind', `settings = jsonb_set(settings, '{kind}', '"publishable"')`],
    ['a longer period', `settings = jsonb_set(settings, '{rotateAfterS}', '63072000')`],
    ['a day total of its own', `settings = settings #- '{caps,dayTotalOf}'`],
    ['the day total of another key', `settings = jsonb_set(settings, '{caps,dayTotalOf}', '"%"')`],
    ['no demand of signatures', `settings = jsonb_set(settings, '{mustSign}', 'false')`],
    ['the other world', `world = 'live'`],
    ['the settings and proof of another key', `(settings, proof) = (SELECT settings, proof FROM ngome.api_keys WHERE id = '%')`],
    ['what nobody can read', `settings = '{}'`],
  ]
  for (const [claim, sql] of edits) {
    test(`a row that somebody gave ${claim} is nobody's key, and an alarm`, async () => {
      const limited = await issue({
        scopes: new Set<Scope>(['payments:read']), allowedAddresses: ['127.0.0.0/8'], expiresAtMs: systemClock.nowMs() + 3_600_000, mustSign: true,
        rotateAfterS: 86_400,
        caps: { ...noCaps, amountMax: new Map<Currency, bigint>([['EUR', 100n]]), dayTotalOf: newId('apiKey', { clock: systemClock, random: systemRandom }) },
      })
      const edit = `UPDATE ngome.api_keys SET ${sql.replace('%', owner.keyId)} WHERE id = '${limited.keyId}'`
      await assert.rejects(running.database.asAdmin(edit), { code: 'NG002' }, 'the trigger lets nobody')
      await running.database.asAdmin(`ALTER TABLE ngome.api_keys DISABLE TRIGGER guard; ${edit}; ALTER TABLE ngome.api_keys ENABLE TRIGGER guard`)
      assert.deepEqual(said(await call(limited, 'listPayments')), [401, 'access/unauthenticated'])
      await sleep(50)
      const alarms = await running.database.asAdmin(`SELECT severity FROM ngome.events WHERE type = 'api_key.unproven' AND data->>'key' = $1`, [limited.keyId])
      assert.deepEqual(alarms.map(({ severity }) => severity), ['alarm'])
    })
  }

  const capped = (caps: Partial<ApiKeySettings['caps']>): Promise<TestMerchant> => issue({ caps: { ...noCaps, ...caps } })
  const refusedFields = async (as: TestMerchant, body: object): Promise<readonly unknown[]> => {
    const answer = await call(as, 'createPayment', body)
    return [...said(answer), ...answer.status < 400 ? [] : (problemIn(answer).errors ?? []).map(({ pointer }) => pointer)]
  }

  test('caps refuse amount, currency and network, each by its name, and let what is within', async () => {
    const amount = await capped({ amountMax: new Map<Currency, bigint>([['EUR', 500n]]) })
    assert.deepEqual(await refusedFields(amount, order('5.00')), [201, ''])
    assert.deepEqual(await refusedFields(amount, order('5.01')), [403, 'access/cap_exceeded', '/amount'])
    const otherCurrency = await capped({ amountMax: new Map<Currency, bigint>([['UGX', 500n]]) })
    assert.deepEqual(await refusedFields(otherCurrency, order('5.00')), [403, 'access/cap_exceeded', '/currency'])
    const currency = await capped({ currencies: new Set<Currency>(['UGX']) })
    assert.deepEqual(await refusedFields(currency, order('5.00')), [403, 'access/cap_exceeded', '/currency'])
    const network = await capped({ networks: new Set(['mtn-ug']) })
    assert.deepEqual(await refusedFields(network, order('5.00')), [403, 'access/cap_exceeded', '/network'])
  })

  test('of forty payments at once no more are accepted than the day may have, and a replay counts once', async () => {
    const daily = await capped({ dayTotalMax: new Map<Currency, bigint>([['EUR', 2_000n]]) })
    const answers = await Promise.all(Array.from({ length: 40 }, (_, at) => call(daily, 'createPayment', order('1.50'), `day-${at}`)))
    const accepted = answers.flatMap((answer, at) => (answer.status === 201 ? [at] : []))
    assert.equal(accepted.length, 13, JSON.stringify(answers.map(said)))
    for (const answer of answers) if (answer.status !== 201) assert.deepEqual(said(answer), [403, 'access/cap_exceeded'])
    const [first = 0] = accepted
    for (let repeat = 0; repeat < 3; repeat++) assert.equal((await call(daily, 'createPayment', order('1.50'), `day-${first}`)).status, 201)
    assert.equal((await call(daily, 'createPayment', order('0.50'))).status, 201)
    assert.deepEqual(await refusedFields(daily, order('0.01')), [403, 'access/cap_exceeded', '/amount'])
    const [row] = await running.database.asAdmin('SELECT total_minor, currency FROM ngome.api_key_days WHERE api_key = $1', [daily.keyId])
    assert.deepEqual([String(row?.['total_minor']), row?.['currency']], ['2000', 'EUR'])
    assert.deepEqual(await refusedFields(owner, order('99.00')), [201, ''])
  })

  test('a day begins anew at midnight UTC, and what is refused is not counted', async () => {
    const { tenant, keyId } = await issue({})
    const gateway = running.database.open('ngome_gateway', { poolMax: 1 })
    const dataKey = (await running.database.asAdmin('SELECT id FROM ngome.data_keys WHERE merchant = $1 LIMIT 1', [tenant.merchant]))[0]?.['id']
    const pay = async (at: string, amountMinor: bigint): Promise<string> => {
      const acceptance = testAcceptance({ tenant, dataKey: String(dataKey) as never }, { dayTotal: { ofKey: keyId, atMostMinor: 1_000n } })
      const money = { amountMinor, currency: 'EUR' } as const
      const { kind } = await acceptPayment(gateway, {
        ...acceptance, payment: { ...acceptance.payment, money, apiKey: keyId, createdAtMs: Date.parse(at) },
      })
      return kind
    }
    const last = '2026-03-01T23:59:59.999Z'
    assert.deepEqual([await pay(last, 1_001n), await pay(last, 1_000n), await pay(last, 1n)], ['day_total_reached', 'accepted', 'day_total_reached'])
    assert.equal(await pay('2026-03-02T00:00:00.000Z', 1_000n), 'accepted')
  })
})
