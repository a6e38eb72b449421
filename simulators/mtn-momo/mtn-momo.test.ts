import assert from 'node:assert/strict'
import { appendFile, readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { MtnMomoSimulator, type SimulatorAnswer, type SimulatorCredentials } from '@ngome/testkit'

const decideAfterMs = 250

type Callback = { readonly method: string; readonly body: { status: string; reason?: string; externalId: string } }

let simulator: MtnMomoSimulator
let sandbox: SimulatorCredentials
let receiver: Server
let callbacks: Callback[] = []

before(async () => {
  simulator = await MtnMomoSimulator.start({
    DECIDE_AFTER_MS: String(decideAfterMs), DELAYED_AFTER_MS: '700', EXPIRE_AFTER_MS: '1000', STATUS_PER_SECOND_MAX: '1000',
  })
  sandbox = await simulator.provision('sandbox', '127.0.0.1')
  receiver = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => { text += chunk.toString('utf8') })
    request.on('end', () => {
      callbacks.push({ method: request.method ?? '', body: JSON.parse(text) as Callback['body'] })
      response.end()
    })
  })
  await new Promise<void>((resolve) => { receiver.listen(0, '127.0.0.1', resolve) })
})
after(async () => {
  await simulator.stop()
  receiver.close()
})
beforeEach(async () => {
  callbacks = []
  await simulator.script([])
})

function callbackUrl(): string {
  const address = receiver.address()
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  return `http://127.0.0.1:${address.port}/callback`
}

async function token(credentials = sandbox): Promise<string> {
  const basic = Buffer.from(`${credentials.apiUser}:${credentials.apiKey}`).toString('base64')
  const answer = await simulator.call({
    method: 'POST', path: '/collection/token/',
    headers: { authorization: `Basic ${basic}`, 'ocp-apim-subscription-key': credentials.subscriptionKey },
  })
  assert.equal(answer.status, 200)
  const body = answer.body as { access_token: string; token_type: string; expires_in: number }
  assert.equal(body.expires_in, 3600)
  return body.access_token
}

type Overrides = { credentials?: SimulatorCredentials; environment?: string; headers?: Record<string, string>; body?: object; reference?: string }

async function headersOf(overrides: Overrides): Promise<Record<string, string>> {
  const credentials = overrides.credentials ?? sandbox
  return {
    authorization: `Bearer ${await token(credentials)}`,
    'ocp-apim-subscription-key': credentials.subscriptionKey,
    'x-target-environment': overrides.environment ?? 'sandbox',
    ...overrides.headers,
  }
}

async function requestToPay(payer: string, overrides: Overrides = {}): Promise<SimulatorAnswer & { reference: string }> {
  const reference = overrides.reference ?? crypto.randomUUID()
  const answer = await simulator.call({
    method: 'POST', path: '/collection/v1_0/requesttopay',
    headers: { 'x-reference-id': reference, ...await headersOf(overrides) },
    body: {
      amount: '5.00', currency: 'EUR', externalId: reference, payer: { partyIdType: 'MSISDN', partyId: payer },
      payerMessage: 'Two chapati', payeeNote: 'order-42', ...overrides.body,
    },
  })
  return { ...answer, reference }
}

async function statusOf(reference: string, overrides: Overrides = {}): Promise<{ http: number; status: string; reason: string | undefined }> {
  const answer = await simulator.call({ method: 'GET', path: `/collection/v1_0/requesttopay/${reference}`, headers: await headersOf(overrides) })
  const body = answer.body as { status: string; reason?: string }
  return { http: answer.status, status: body.status, reason: body.reason }
}

async function settled(reference: string): Promise<{ http: number; status: string; reason: string | undefined }> {
  for (let turn = 0; turn < 1_500; turn++) {
    const state = await statusOf(reference)
    if (state.status !== 'PENDING') return state
    await sleep(20)
  }
  throw new Error('still pending')
}

describe('the documented sandbox numbers', () => {
  const ends: readonly [string, string, string | undefined][] = [
    ['46733123450', 'FAILED', 'INTERNAL_PROCESSING_ERROR'],
    ['46733123451', 'FAILED', 'APPROVAL_REJECTED'],
    ['46733123452', 'FAILED', 'EXPIRED'],
    ['46733123453', 'FAILED', 'COULD_NOT_PERFORM_TRANSACTION'],
    ['46733123454', 'SUCCESSFUL', undefined],
    ['46733123455', 'FAILED', 'PAYER_NOT_FOUND'],
    ['46733123456', 'FAILED', 'PAYEE_NOT_ALLOWED_TO_RECEIVE'],
    ['46733123457', 'FAILED', 'NOT_ALLOWED'],
    ['46733123461', 'FAILED', 'INTERNAL_PROCESSING_ERROR'],
    ['46733123463', 'FAILED', 'COULD_NOT_PERFORM_TRANSACTION'],
    ['46733123499', 'SUCCESSFUL', undefined],
  ]
  for (const [payer, status, reason] of ends) {
    test(`${payer} is taken, and ends ${status} ${reason ?? ''}`, async () => {
      const { status: http, reference } = await requestToPay(payer)
      assert.equal(http, 202)
      assert.equal((await statusOf(reference)).status, 'PENDING')
      const end = await settled(reference)
      assert.deepEqual([end.status, end.reason], [status, reason])
    })
  }

  const refusals: readonly [string, number, string][] = [
    ['46733123458', 500, 'NOT_ALLOWED_TARGET_ENVIRONMENT'],
    ['46733123459', 500, 'INVALID_CALLBACK_URL_HOST'],
    ['46733123460', 500, 'INVALID_CURRENCY'],
    ['46733123462', 503, 'SERVICE_UNAVAILABLE'],
  ]
  for (const [payer, http, code] of refusals) {
    test(`${payer} is refused with ${http} ${code}, and nothing is charged`, async () => {
      const answer = await requestToPay(payer)
      assert.deepEqual([answer.status, (answer.body as { code: string }).code], [http, code])
      assert.equal((await statusOf(answer.reference)).http, 404)
    })
  }

  test('53 stays pending until the payer had all the time that MTN gives', async () => {
    const { reference } = await requestToPay('46733123453')
    await sleep(decideAfterMs * 3)
    assert.equal((await statusOf(reference)).status, 'PENDING')
  })
})

describe('refuses what MTN refuses', () => {
  test('the same reference twice: 409, and one charge', async () => {
    const { reference } = await requestToPay('46733123499')
    const again = await requestToPay('46733123499', { reference })
    assert.deepEqual([again.status, (again.body as { code: string }).code], [409, 'RESOURCE_ALREADY_EXIST'])
    assert.equal((await simulator.charges()).filter((charge) => charge.reference === reference).length, 1)
  })
  test('the same reference twenty times at once: one 202', async () => {
    const reference = crypto.randomUUID()
    const answers = await Promise.all(Array.from({ length: 20 }, () => requestToPay('46733123499', { reference })))
    assert.deepEqual(answers.map(({ status }) => status).sort((a, b) => a - b), [202, ...Array<number>(19).fill(409)])
  })

  const cases: readonly [string, Overrides, number, string | undefined][] = [
    ['a reference that is no UUID of version 4', { reference: '0190163d-8694-739b-aea5-966c26f8ad91' }, 400, 'BAD_REQUEST'],
    ['no bearer token', { headers: { authorization: '' } }, 401, 'INVALID_TOKEN'],
    ['an unknown bearer token', { headers: { authorization: 'Bearer nonsense' } }, 401, 'INVALID_TOKEN'],
    ['a malformed subscription key', { headers: { 'ocp-apim-subscription-key': 'x' } }, 401, undefined],
    ['another subscription key', { headers: { 'ocp-apim-subscription-key': '0'.repeat(32) } }, 401, undefined],
    ['another target environment', { environment: 'mtnuganda' }, 500, 'NOT_ALLOWED_TARGET_ENVIRONMENT'],
    ['an unknown target environment', { environment: 'mtnmars' }, 500, 'NOT_ALLOWED_TARGET_ENVIRONMENT'],
    ['another currency', { body: { currency: 'UGX' } }, 500, 'INVALID_CURRENCY'],
    ['an apostrophe in the message', { body: { payerMessage: 'it\'s' } }, 400, 'BAD_REQUEST'],
    ['a message of 161 characters', { body: { payerMessage: 'x'.repeat(161) } }, 400, 'BAD_REQUEST'],
    ['a number with a plus sign', { body: { payer: { partyIdType: 'MSISDN', partyId: '+46733123499' } } }, 400, 'BAD_REQUEST'],
    ['an amount of nothing', { body: { amount: '0' } }, 400, 'BAD_REQUEST'],
    ['an empty callback address', { headers: { 'x-callback-url': '' } }, 500, 'INVALID_CALLBACK_URL_HOST'],
    ['a callback host that was not registered', { headers: { 'x-callback-url': 'https://evil.example/x' } }, 500, 'INVALID_CALLBACK_URL_HOST'],
  ]
  for (const [name, overrides, http, code] of cases) {
    test(`${name}: ${http}`, async () => {
      const answer = await requestToPay('46733123499', overrides)
      assert.deepEqual([answer.status, (answer.body as { code?: string }).code], [http, code])
    })
  }

  test('a plain HTTP callback in production', async () => {
    const uganda = await simulator.provision('mtnuganda', '127.0.0.1')
    const answer = await requestToPay('256772123456', {
      credentials: uganda, environment: 'mtnuganda', body: { currency: 'UGX', amount: '500' }, headers: { 'x-callback-url': callbackUrl() },
    })
    assert.equal(answer.status, 500)
  })
  test('a wrong API key', async () => {
    const answer = await simulator.call({
      method: 'POST', path: '/collection/token/',
      headers: {
        authorization: `Basic ${Buffer.from(`${sandbox.apiUser}:wrong`).toString('base64')}`,
        'ocp-apim-subscription-key': sandbox.subscriptionKey,
      },
    })
    assert.equal(answer.status, 401)
  })
  test('another user asking after a charge: 404', async () => {
    const { reference } = await requestToPay('46733123499')
    assert.equal((await statusOf(reference, { credentials: await simulator.provision('sandbox', '127.0.0.1') })).http, 404)
  })
})

test('charges in mtnuganda, in UGX, where the sandbox numbers mean nothing', async () => {
  const uganda = await simulator.provision('mtnuganda', 'localhost')
  const options = { credentials: uganda, environment: 'mtnuganda', body: { currency: 'UGX', amount: '500' } }
  const { status, reference } = await requestToPay('46733123450', options)
  assert.equal(status, 202)
  await sleep(decideAfterMs * 2)
  assert.equal((await statusOf(reference, options)).status, 'SUCCESSFUL')
})

test('says whether an account holder is active, and the balance of what succeeded', async () => {
  const credentials = await simulator.provision('sandbox', '127.0.0.1')
  const headers = await headersOf({ credentials })
  const active = async (id: string): Promise<unknown> =>
    (await simulator.call({ method: 'GET', path: `/collection/v1_0/accountholder/msisdn/${id}/active`, headers })).body
  assert.deepEqual(await active('46733123499'), { result: true })
  assert.deepEqual(await active('46733123455'), { result: false })
  await requestToPay('46733123499', { credentials })
  await requestToPay('46733123451', { credentials })
  await sleep(decideAfterMs * 2)
  const balance = await simulator.call({ method: 'GET', path: '/collection/v1_0/account/balance', headers })
  assert.deepEqual(balance.body, { availableBalance: '5.00', currency: 'EUR' })
})

describe('bad manners', () => {
  const withCallback = (): Overrides => ({ headers: { 'x-callback-url': callbackUrl() } })

  test('without a script it calls back once, by PUT, with the truth', async () => {
    const { reference } = await requestToPay('46733123451', withCallback())
    await sleep(decideAfterMs * 4)
    assert.deepEqual(callbacks.map(({ method, body }) => [method, body.status, body.reason, body.externalId]), [['PUT', 'FAILED', 'APPROVAL_REJECTED', reference]])
  })
  test('answers an error and takes nothing, for so many requests as scripted', async () => {
    await simulator.script([{ on: 'request', do: { kind: 'answer', status: 503 }, times: 2 }])
    const answers = [await requestToPay('46733123499'), await requestToPay('46733123499'), await requestToPay('46733123499')]
    assert.deepEqual(answers.map(({ status }) => status), [503, 503, 202])
    assert.equal((await statusOf(answers[0]?.reference ?? '')).http, 404)
  })
  test('takes the charge and answers an error', async () => {
    await simulator.script([{ on: 'request', do: { kind: 'take_and_answer', status: 500 }, payer: '46733123411' }])
    const { status, reference } = await requestToPay('46733123411')
    assert.deepEqual([status, (await settled(reference)).status], [500, 'SUCCESSFUL'])
  })
  test('answers an error and takes the charge afterwards', { timeout: 30_000 }, async () => {
    await simulator.script([{ on: 'request', do: { kind: 'answer_then_take', status: 500, delayMs: 500 } }])
    const { status, reference } = await requestToPay('46733123499')
    assert.deepEqual([status, (await statusOf(reference)).http], [500, 404])
    while ((await statusOf(reference)).http !== 200) await sleep(20)
  })
  test('takes the charge and answers late', async () => {
    await simulator.script([{ on: 'request', do: { kind: 'take_and_answer_late', delayMs: 1_000 } }])
    const reference = crypto.randomUUID()
    let isAnswered = false
    const answering = requestToPay('46733123499', { reference }).finally(() => { isAnswered = true })
    while ((await statusOf(reference)).http !== 200) await sleep(20)
    assert.equal(isAnswered, false)
    assert.equal((await answering).status, 202)
  })
  for (const kind of ['hang', 'take_and_hang']) {
    test(`never answers (${kind})`, async () => {
      await simulator.script([{ on: 'request', do: { kind }, times: 1 }])
      const reference = crypto.randomUUID()
      const answer = await Promise.race([requestToPay('46733123499', { reference }).catch(() => 'cut'), sleep(200, 'silence')])
      assert.equal(answer, 'silence')
      assert.equal((await statusOf(reference)).http, kind === 'hang' ? 404 : 200)
    })
  }
  test('decides against the number', async () => {
    await simulator.script([{ on: 'request', do: { kind: 'decide', reason: 'APPROVAL_REJECTED' } }])
    const { reference } = await requestToPay('46733123499')
    assert.equal((await settled(reference)).reason, 'APPROVAL_REJECTED')
  })
  test('lies in the callback, both ways', async () => {
    await simulator.script([{ on: 'callback', do: { kind: 'lie' } }])
    const good = await requestToPay('46733123499', withCallback())
    await sleep(decideAfterMs * 4)
    const bad = await requestToPay('46733123451', withCallback())
    await sleep(decideAfterMs * 4)
    assert.deepEqual(callbacks.map(({ body }) => body.status), ['FAILED', 'SUCCESSFUL'])
    assert.deepEqual([(await settled(good.reference)).status, (await settled(bad.reference)).status], ['SUCCESSFUL', 'FAILED'])
  })
  test('drops the callback, or sends it twice', async () => {
    await simulator.script([
      { on: 'callback', do: { kind: 'drop' }, payer: '46733123411' }, { on: 'callback', do: { kind: 'twice' }, payer: '46733123412' },
    ])
    await requestToPay('46733123411', withCallback())
    await requestToPay('46733123412', withCallback())
    await sleep(decideAfterMs * 4)
    assert.equal(callbacks.length, 2)
  })
  test('calls back before it answers', async () => {
    await simulator.script([{ on: 'callback', do: { kind: 'before_answer' } }])
    await requestToPay('46733123499', withCallback())
    assert.equal(callbacks.length, 1)
  })
  for (const [kind, http] of [['rate_capped', 429], ['token_expired', 401], ['not_found', 404]] as const) {
    test(`an enquiry gets ${http} (${kind})`, async () => {
      const { reference } = await requestToPay('46733123499')
      await simulator.script([{ on: 'status', do: { kind }, times: 1 }])
      assert.equal((await statusOf(reference)).http, http)
      assert.equal((await statusOf(reference)).http, 200)
    })
  }
  test('the same seed hits the same requests', async () => {
    const run = async (seed: number): Promise<readonly number[]> => {
      await simulator.script([{ on: 'request', do: { kind: 'answer', status: 500 }, share: 0.5 }], seed)
      const statuses: number[] = []
      for (let turn = 0; turn < 12; turn++) statuses.push((await requestToPay('46733123499')).status)
      return statuses
    }
    const first = await run(7)
    assert.deepEqual(await run(7), first)
    assert.equal(new Set(first).size, 2)
  })
  test('a script that it does not understand is refused', async () => {
    const answer = await simulator.call({ method: 'POST', path: '/simulator/script', body: { rules: [{ on: 'request', do: { kind: 'explode' } }] } })
    assert.equal(answer.status, 400)
  })
})

test('keeps a cap of ten enquiries a second, as MTN does', async () => {
  const capped = await MtnMomoSimulator.start()
  try {
    const credentials = await capped.provision('sandbox', '127.0.0.1')
    const basic = Buffer.from(`${credentials.apiUser}:${credentials.apiKey}`).toString('base64')
    const subscription = { 'ocp-apim-subscription-key': credentials.subscriptionKey }
    const { body } = await capped.call({ method: 'POST', path: '/collection/token/', headers: { authorization: `Basic ${basic}`, ...subscription } })
    const headers = { authorization: `Bearer ${(body as { access_token: string }).access_token}`, 'x-target-environment': 'sandbox', ...subscription }
    const path = `/collection/v1_0/requesttopay/${crypto.randomUUID()}`
    const answers = await Promise.all(Array.from({ length: 12 }, () => capped.call({ method: 'GET', path, headers })))
    assert.deepEqual(answers.map(({ status }) => status).sort((a, b) => a - b), [...Array<number>(10).fill(404), 429, 429])
  } finally {
    await capped.stop()
  }
})

test('what was acknowledged survives kill -9 with its fate, and a torn last line does not', async () => {
  const { reference } = await requestToPay('46733123451')
  await simulator.kill()
  await appendFile(join(simulator.folder, 'journal.jsonl'), '{"kind":"charge","refer')
  await simulator.restart()
  assert.equal((await settled(reference)).reason, 'APPROVAL_REJECTED')
  assert.equal((await requestToPay('46733123451', { reference })).status, 409)
  const journal = await readFile(join(simulator.folder, 'journal.jsonl'), 'utf8')
  for (const line of journal.trimEnd().split('\n')) JSON.parse(line)
})
