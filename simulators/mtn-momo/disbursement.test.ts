import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { MtnMomoSimulator, type SimulatorAnswer, type SimulatorCredentials } from '@ngome/testkit'

type Product = 'collection' | 'disbursement'
type State = { readonly http: number; readonly status: string; readonly reason: string | undefined }

let simulator: MtnMomoSimulator
let receiver: Server
let callbacks: { readonly method: string; readonly text: string }[] = []
const users: Partial<Record<Product, SimulatorCredentials>> = {}

before(async () => {
  simulator = await MtnMomoSimulator.start({
    DECIDE_AFTER_MS: '30', DELAYED_AFTER_MS: '120', EXPIRE_AFTER_MS: '200', STATUS_PER_SECOND_MAX: '1000', FLOAT: '1000', WALLET: '100', SEED: '9',
  })
  receiver = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => { text += chunk.toString('utf8') })
    request.on('end', () => {
      callbacks.push({ method: request.method ?? '', text })
      response.end()
    })
  })
  await new Promise<void>((resolve) => { receiver.listen(0, '127.0.0.1', resolve) })
})
after(async () => {
  receiver.close()
  await simulator.stop()
})
beforeEach(async () => {
  for (const product of ['collection', 'disbursement'] as const) users[product] = await simulator.provision('sandbox', '127.0.0.1', product)
  callbacks = []
  await simulator.script([])
})

async function tokenOf(product: Product, user = users[product]): Promise<SimulatorAnswer> {
  const basic = Buffer.from(`${user?.apiUser}:${user?.apiKey}`).toString('base64')
  return simulator.call({
    method: 'POST', path: `/${product}/token/`, headers: { authorization: `Basic ${basic}`, 'ocp-apim-subscription-key': user?.subscriptionKey ?? '' },
  })
}

async function headersOf(product: Product): Promise<Record<string, string>> {
  const { body } = await tokenOf(product)
  return {
    authorization: `Bearer ${(body as { access_token: string }).access_token}`, 'x-target-environment': 'sandbox',
    'ocp-apim-subscription-key': users[product]?.subscriptionKey ?? '',
  }
}

type Order = { readonly amount?: string; readonly reference?: string; readonly version?: string; readonly isCalledBack?: boolean }

async function order(operation: string, other: Readonly<Record<string, unknown>>, { amount = '5.00', reference = crypto.randomUUID(), version = 'v1_0', isCalledBack = false }: Order = {}) {
  const product = operation === 'requesttopay' ? 'collection' : 'disbursement'
  const { port } = receiver.address() as { readonly port: number }
  const { status, body } = await simulator.call({
    method: 'POST', path: `/${product}/${version}/${operation}`,
    headers: { ...await headersOf(product), 'x-reference-id': reference, ...(isCalledBack ? { 'x-callback-url': `http://127.0.0.1:${port}/cb` } : {}) },
    body: { amount, currency: 'EUR', externalId: reference, payerMessage: 'm', payeeNote: 'n', ...other },
  })
  return { reference, status, code: (body as { code?: string } | undefined)?.code }
}
const partyOf = (number: string) => ({ partyIdType: 'MSISDN', partyId: number })
const payTo = (number: string, options?: Order) => order('transfer', { payee: partyOf(number) }, options)
const collectFrom = (number: string, options?: Order) => order('requesttopay', { payer: partyOf(number) }, options)
const refundOf = (reference: string, options?: Order) => order('refund', { referenceIdToRefund: reference }, options)

async function endOf(operation: string, reference: string): Promise<State> {
  const product = operation === 'requesttopay' ? 'collection' : 'disbursement'
  const headers = await headersOf(product)
  for (let turn = 0; turn < 2_000; turn++) {
    const { status: http, body } = await simulator.call({ method: 'GET', path: `/${product}/v1_0/${operation}/${reference}`, headers })
    const { status, reason } = (body ?? {}) as { status: string; reason?: string }
    if (status !== 'PENDING') return { http, status, reason }
    await sleep(15)
  }
  throw new Error('still pending')
}

async function collected(number: string, options?: Order): Promise<string> {
  const { reference } = await collectFrom(number, options)
  assert.equal((await endOf('requesttopay', reference)).status, 'SUCCESSFUL')
  return reference
}

async function balance(): Promise<string> {
  const { body } = await simulator.call({ method: 'GET', path: '/disbursement/v1_0/account/balance', headers: await headersOf('disbursement') })
  return (body as { availableBalance: string }).availableBalance
}

const payees: readonly [string, string | undefined][] = [
  ['50', 'INTERNAL_PROCESSING_ERROR'], ['51', 'APPROVAL_REJECTED'], ['52', 'EXPIRED'], ['53', 'COULD_NOT_PERFORM_TRANSACTION'], ['54', undefined],
  ['55', 'NOT_ENOUGH_FUNDS'], ['56', 'PAYER_LIMIT_REACHED'], ['57', 'PAYEE_NOT_FOUND'], ['58', 'NOT_ALLOWED'], ['62', 'INTERNAL_PROCESSING_ERROR'],
  ['99', undefined],
]
const refusedPayees: readonly [string, number, string][] = [
  ['59', 500, 'NOT_ALLOWED_TARGET_ENVIRONMENT'], ['60', 500, 'INVALID_CALLBACK_URL_HOST'], ['61', 500, 'INVALID_CURRENCY'], ['63', 503, 'SERVICE_UNAVAILABLE'],
]

describe('the documented numbers of transfers', () => {
  for (const [ending, reason] of payees) {
    test(`467331234${ending} ends as ${reason ?? 'SUCCESSFUL'}`, async () => {
      const { status, reference } = await payTo(`467331234${ending}`)
      const end = await endOf('transfer', reference)
      assert.deepEqual([status, end.reason, end.status], [202, reason, reason === undefined ? 'SUCCESSFUL' : 'FAILED'])
    })
  }
  for (const [ending, http, code] of refusedPayees) {
    test(`467331234${ending} is refused with ${code}`, async () => {
      const answer = await payTo(`467331234${ending}`)
      assert.deepEqual([answer.status, answer.code], [http, code])
    })
  }
})

const refunds: readonly [number, string | undefined][] = [
  [1, 'PAYER_NOT_FOUND'], [2, 'INTERNAL_PROCESSING_ERROR'], [3, 'APPROVAL_REJECTED'], [4, 'EXPIRED'], [5, 'COULD_NOT_PERFORM_TRANSACTION'], [6, undefined],
  [7, 'NOT_ALLOWED'], [11, 'INTERNAL_PROCESSING_ERROR'], [13, 'COULD_NOT_PERFORM_TRANSACTION'],
]
const refusedRefunds: readonly [number, number, string][] = [
  [8, 500, 'NOT_ALLOWED_TARGET_ENVIRONMENT'], [9, 500, 'INVALID_CALLBACK_URL_HOST'], [10, 500, 'INVALID_CURRENCY'], [12, 503, 'SERVICE_UNAVAILABLE'],
]

describe('the documented refunds, by MTN\'s ids and by who paid', () => {
  const numberOf = (id: number): string => `467331234${String(id).padStart(2, '0')}`
  for (const [id, reason] of refunds) {
    test(`${id} ends as ${reason ?? 'SUCCESSFUL'}`, async () => {
      const references = [await refundOf(String(id)), await refundOf(await collected(numberOf(id)))].map(({ reference }) => reference)
      for (const reference of references) assert.equal((await endOf('refund', reference)).reason, reason)
    })
  }
  for (const [id, http, code] of refusedRefunds) {
    test(`${id} is refused with ${code}`, async () => {
      for (const answer of [await refundOf(String(id)), await refundOf(await collected(numberOf(id)))]) {
        assert.deepEqual([answer.status, answer.code], [http, code])
      }
    })
  }
})

describe('the books', () => {
  test('a payout leaves the float and a failed one does not; more than there is fails', async () => {
    await endOf('transfer', (await payTo('46733123499', { amount: '400' })).reference)
    await endOf('transfer', (await payTo('46733123457', { amount: '400' })).reference)
    assert.equal(await balance(), '600.00')
    assert.equal((await endOf('transfer', (await payTo('46733123499', { amount: '600.01' })).reference)).reason, 'NOT_ENOUGH_FUNDS')
    await simulator.topUp(users.disbursement?.apiUser ?? '', '1')
    assert.equal((await endOf('transfer', (await payTo('46733123499', { amount: '600.01' })).reference)).status, 'SUCCESSFUL')
    assert.equal(await balance(), '0.99')
  })
  test('twenty payouts at once take no more than there is', async () => {
    const taken = await Promise.all(Array.from({ length: 20 }, () => payTo('46733123499', { amount: '100' })))
    const ends = await Promise.all(taken.map(({ reference }) => endOf('transfer', reference)))
    assert.equal(ends.filter(({ status }) => status === 'SUCCESSFUL').length, 10)
    assert.equal(await balance(), '0.00')
  })
  test('a payer has so much, and what he is paid besides', async () => {
    const payer = '46733120001'
    assert.equal((await endOf('requesttopay', (await collectFrom(payer, { amount: '100.01' })).reference)).reason, 'NOT_ENOUGH_FUNDS')
    await endOf('transfer', (await payTo(payer, { amount: '50' })).reference)
    await collected(payer, { amount: '150' })
  })
  test('a refund gives back no more than was paid, and only what was', async () => {
    const paid = await collected('46733120002', { amount: '10' })
    assert.equal((await endOf('refund', (await refundOf(paid, { amount: '6', version: 'v2_0' })).reference)).status, 'SUCCESSFUL')
    assert.equal((await endOf('refund', (await refundOf(paid, { amount: '4.01' })).reference)).reason, 'NOT_ALLOWED')
    assert.equal((await endOf('refund', (await refundOf(paid, { amount: '4' })).reference)).status, 'SUCCESSFUL')
    assert.equal((await endOf('refund', (await refundOf(crypto.randomUUID())).reference)).reason, 'RESOURCE_NOT_FOUND')
    const { reference: refused } = await collectFrom('46733123451')
    await endOf('requesttopay', refused)
    assert.equal((await endOf('refund', (await refundOf(refused)).reference)).reason, 'NOT_ALLOWED')
  })
  test('they are the same after a kill, and a reference is taken once', async () => {
    const { reference } = await payTo('46733123499', { amount: '300' })
    await simulator.kill()
    await simulator.restart()
    assert.equal(await balance(), '700.00')
    assert.equal((await payTo('46733123499', { reference })).status, 409)
    assert.equal((await endOf('transfer', reference)).status, 'SUCCESSFUL')
  })
  test('a deposit is another operation than a transfer, in both versions', async () => {
    for (const version of ['v1_0', 'v2_0']) {
      const { reference, status } = await order('deposit', { payee: partyOf('46733123499') }, { version })
      assert.equal(status, 202)
      assert.equal((await endOf('deposit', reference)).status, 'SUCCESSFUL')
      assert.equal((await endOf('transfer', reference)).http, 404)
    }
  })
})

test('a product\'s token and subscription open no other product', async () => {
  assert.equal((await tokenOf('disbursement', users.collection)).status, 401)
  const answer = await simulator.call({ method: 'GET', path: '/disbursement/v1_0/account/balance', headers: await headersOf('collection') })
  assert.equal(answer.status, 401)
})

describe('bad manners', () => {
  test('of one operation alone', async () => {
    await simulator.script([{ on: 'request', operation: 'transfer', do: { kind: 'answer', status: 500 } }, { on: 'token', operation: 'collection', do: { kind: 'answer', status: 503 } }])
    assert.equal((await payTo('46733123499')).status, 500)
    assert.deepEqual([(await tokenOf('collection')).status, (await tokenOf('disbursement')).status], [503, 200])
  })
  test('says pending of what has ended, for as long as scripted', async () => {
    const { reference } = await payTo('46733123499')
    await endOf('transfer', reference)
    await simulator.script([{ on: 'status', do: { kind: 'pending' }, times: 1 }])
    const path = `/disbursement/v1_0/transfer/${reference}`
    const { body } = await simulator.call({ method: 'GET', path, headers: await headersOf('disbursement') })
    assert.equal((body as { status: string }).status, 'PENDING')
    assert.equal((await endOf('transfer', reference)).status, 'SUCCESSFUL')
  })
  for (const [kind, statuses] of [['forge', ['SUCCESSFUL', 'FAILED']], ['out_of_order', ['FAILED', 'PENDING']], ['twice', ['FAILED', 'FAILED']], ['lie', ['SUCCESSFUL']]] as const) {
    test(`calls back otherwise: ${kind}`, { timeout: 30_000 }, async () => {
      await simulator.script([{ on: 'callback', do: { kind } }])
      await payTo('46733123457', { isCalledBack: true })
      while (callbacks.length < statuses.length) await sleep(10)
      await sleep(50)
      assert.deepEqual(callbacks.map(({ text }) => (JSON.parse(text) as { status: string }).status), statuses)
    })
  }
  test('calls back by the other method, or with a page', { timeout: 30_000 }, async () => {
    await simulator.script([{ on: 'callback', do: { kind: 'by', method: 'POST' }, times: 1 }, { on: 'callback', do: { kind: 'garbage' } }])
    await payTo('46733123499', { isCalledBack: true })
    await payTo('46733123498', { isCalledBack: true })
    while (callbacks.length < 2) await sleep(10)
    assert.deepEqual(callbacks.map(({ method }) => method).toSorted((a, b) => (a < b ? -1 : 1)), ['POST', 'PUT'])
    assert(callbacks.some(({ text }) => text.startsWith('<html>')))
  })
  test('without a seed of its own a script has the simulator\'s', async () => {
    const answer = await simulator.call({ method: 'POST', path: '/simulator/script', body: { rules: [] } })
    assert.deepEqual(answer.body, { seed: 9, rules: 0 })
  })
})
