import assert from 'node:assert/strict'
import { constants, createCipheriv, createHmac, createPublicKey, publicEncrypt } from 'node:crypto'
import { appendFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { AirtelMoneySimulator, type AirtelApplication, type SimulatorAnswer } from '@ngome/testkit'

const decideAfterMs = 120

type Envelope = {
  readonly data?: { readonly transaction?: { readonly id?: string; readonly status?: string; readonly airtel_money_id?: string }; readonly key?: string; readonly balance?: string; readonly is_barred?: boolean }
  readonly status?: { readonly response_code?: string; readonly result_code?: string; readonly success?: boolean }
  readonly status_code?: string
}
type Callback = { readonly transaction: { readonly id: string; readonly status_code: string }; readonly hash: string; readonly text: string }

let simulator: AirtelMoneySimulator
let kenya: AirtelApplication
let uganda: AirtelApplication
let receiver: Server
let callbacks: Callback[] = []

before(async () => {
  simulator = await AirtelMoneySimulator.start({
    DECIDE_AFTER_MS: String(decideAfterMs), DELAYED_AFTER_MS: '250', EXPIRE_AFTER_MS: '400', CALLS_PER_SECOND_MAX: '1000', SEED: '7',
  })
  kenya = await simulator.provision('KE')
  uganda = await simulator.provision('UG')
  receiver = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', (chunk: string) => { text += chunk })
    request.on('end', () => {
      callbacks.push({ ...JSON.parse(text) as Omit<Callback, 'text'>, text })
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

async function tokenOf({ clientId, clientSecret }: AirtelApplication): Promise<string> {
  const body = { client_id: clientId, client_secret: clientSecret, grant_type: 'client_credentials' }
  const answer = await simulator.call({ method: 'POST', path: '/auth/oauth2/token', body })
  assert.equal(answer.status, 200)
  return (answer.body as { access_token: string }).access_token
}

type Call = { readonly path: string; readonly body?: object; readonly headers?: Record<string, string>; readonly by?: AirtelApplication; readonly country?: string; readonly currency?: string }

async function call({ path, body, headers = {}, by = kenya, country = by === uganda ? 'UG' : 'KE', currency = by === uganda ? 'UGX' : 'KES' }: Call): Promise<SimulatorAnswer & { readonly envelope: Envelope }> {
  const answer = await simulator.call({
    method: body === undefined ? 'GET' : 'POST', path, body,
    headers: { 'authorization': `Bearer ${await tokenOf(by)}`, 'x-country': country, 'x-currency': currency, ...headers },
  })
  return { ...answer, envelope: answer.body as Envelope }
}

const newId = (): string => crypto.randomUUID().replaceAll('-', '')

function collection(msisdn: string, id = newId(), by = kenya): { readonly path: string; readonly body: object; readonly by: AirtelApplication; readonly id: string } {
  const place = by === uganda ? { country: 'UG', currency: 'UGX' } : { country: 'KE', currency: 'KES' }
  return {
    id, by, path: '/merchant/v1/payments/',
    body: { reference: 'Two chapati', subscriber: { ...place, msisdn }, transaction: { amount: 500, ...place, id } },
  }
}

const codeOf = ({ envelope }: { readonly envelope: Envelope }): string | undefined =>
  envelope.status?.response_code ?? envelope.status?.result_code ?? envelope.status_code
const stateOf = async (id: string, product = 'payments'): Promise<string | undefined> =>
  (await call({ path: `/standard/v1/${product}/${id}` })).envelope.data?.transaction?.status

function sign(body: object, key: string): Record<string, string> {
  const [secret, iv] = [Buffer.alloc(32, 3), Buffer.alloc(16, 4)]
  const cipher = createCipheriv('aes-256-cbc', secret, iv)
  const publicKey = createPublicKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'spki' })
  const opened = Buffer.from(`${secret.toString('base64')}:${iv.toString('base64')}`)
  return {
    'x-signature': Buffer.concat([cipher.update(JSON.stringify(body)), cipher.final()]).toString('base64'),
    'x-key': publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, opened).toString('base64'),
  }
}

const sealPin = ({ pin, pinKey }: AirtelApplication): string => publicEncrypt(
  { key: createPublicKey({ key: Buffer.from(pinKey, 'base64'), format: 'der', type: 'spki' }), padding: constants.RSA_PKCS1_PADDING }, Buffer.from(pin),
).toString('base64')

test('a push is in progress, then succeeds, and is shown without an amount', async () => {
  const asked = collection('733123456')
  const answer = await call(asked)
  assert.deepEqual([codeOf(answer), answer.envelope.data?.transaction?.status], ['DP00800001006', 'SUCCESS'])
  assert.equal(await stateOf(asked.id), 'TIP')
  await sleep(decideAfterMs * 2)
  const end = await call({ path: `/standard/v1/payments/${asked.id}` })
  assert.deepEqual(Object.keys(end.envelope.data?.transaction ?? {}).toSorted((a, b) => a < b ? -1 : 1), ['airtel_money_id', 'id', 'message', 'status'])
  assert.equal(end.envelope.data?.transaction?.status, 'TS')
})
test('an id is taken once, also twenty times at once, and is its application\'s alone', async () => {
  const asked = collection('733123456')
  const answers = await Promise.all(Array.from({ length: 20 }, () => call(asked)))
  assert.deepEqual(answers.map(codeOf).toSorted((a = '', b = '') => a < b ? -1 : 1), ['DP00800001006', ...Array<string>(19).fill('ESB000041')])
  const another = await simulator.provision('KE')
  assert.equal(codeOf(await call({ path: `/standard/v1/payments/${asked.id}`, by: another })), 'DP00800001025')
})

describe('refuses what Airtel refuses', () => {
  const refusals: readonly [string, () => Partial<Call>, number, string | undefined][] = [
    ['no token', () => ({ headers: { authorization: '' } }), 401, undefined],
    ['an unknown token', () => ({ headers: { authorization: 'Bearer nonsense' } }), 401, undefined],
    ['a country that is none', () => ({ country: 'XX' }), 400, 'ROUTER006'],
    ['another country', () => ({ country: 'UG', currency: 'UGX' }), 403, 'ROUTER007'],
    ['another currency', () => ({ currency: 'UGX' }), 400, 'ROUTER112'],
    ['a number with the country\'s code', () => ({ body: collection('254733123456').body }), 400, 'ESB000008'],
    ['an id with a hyphen', () => ({ body: collection('733123456', crypto.randomUUID()).body }), 400, 'ESB000008'],
    ['an id of three characters', () => ({ body: collection('733123456', 'abc').body }), 400, 'ESB000008'],
    ['another country in the body', () => ({ body: collection('733123456', newId(), uganda).body }), 400, 'ESB000008'],
    ['number 65', () => ({ body: collection('700000065').body }), 400, 'ESB000008'],
    ['number 66', () => ({ body: collection('700000066').body }), 400, 'ROUTER001'],
  ]
  for (const [name, changes, status, code] of refusals) {
    test(`${name}: ${code ?? status}`, async () => {
      const answer = await call({ ...collection('733123456'), ...changes() })
      assert.deepEqual([answer.status, codeOf(answer)], [status, code])
    })
  }
  test('a wrong secret, and a token that ran out', async () => {
    const body = { client_id: kenya.clientId, client_secret: 'wrong', grant_type: 'client_credentials' }
    assert.equal((await simulator.call({ method: 'POST', path: '/auth/oauth2/token', body })).status, 401)
    const short = await AirtelMoneySimulator.start({ TOKEN_LIFE_S: '1' })
    try {
      const { clientId, clientSecret } = await short.provision('KE')
      const { body: token } = await short.call({ method: 'POST', path: '/auth/oauth2/token', body: { ...body, client_id: clientId, client_secret: clientSecret } })
      const { access_token: bearer, expires_in: life } = token as { access_token: string; expires_in: string }
      assert.equal(life, '1')
      await sleep(1_050)
      const headers = { 'authorization': `Bearer ${bearer}`, 'x-country': 'KE', 'x-currency': 'KES' }
      assert.equal((await short.call({ method: 'GET', path: '/standard/v1/users/balance', headers })).status, 401)
    } finally {
      await short.stop()
    }
  })
})

describe('signed messages', () => {
  const shown = async (): Promise<string> => (await call({ path: '/v1/rsa/encryption-keys', by: uganda })).envelope.data?.key ?? ''
  test('one under the published key is taken', async () => {
    const asked = collection('752123456', newId(), uganda)
    assert.equal(codeOf(await call({ ...asked, headers: sign(asked.body, await shown()) })), 'DP00800001006')
  })
  test('none, one of another body, and one under another key are refused, and nothing is taken', async () => {
    const asked = collection('752123456', newId(), uganda)
    const another = collection('752123457', asked.id, uganda)
    for (const headers of [{}, sign(another.body, await shown()), sign(asked.body, uganda.pinKey), { 'x-key': 'AAAA', 'x-signature': 'AAAA' }]) {
      const answer = await call({ ...asked, headers })
      assert.deepEqual([answer.status, codeOf(answer)], [403, 'DP00800001026'])
    }
    assert.equal((await simulator.transactions()).filter(({ id }) => id === asked.id).length, 0)
  })
})

describe('disbursements and refunds', () => {
  const disbursement = (msisdn: string, changes: object = {}): Call & { readonly id: string } => {
    const id = newId()
    return { id, path: '/standard/v1/disbursements/', body: { payee: { msisdn }, reference: 'Salary', pin: sealPin(kenya), transaction: { amount: 12.5, id }, ...changes } }
  }
  test('one is done before it is answered, and takes from the balance', async () => {
    const before_ = (await call({ path: '/standard/v1/users/balance' })).envelope.data?.balance
    const asked = disbursement('733123456')
    assert.deepEqual([codeOf(await call(asked)), await stateOf(asked.id, 'disbursements')], ['DP00900001001', 'TS'])
    const after_ = (await call({ path: '/standard/v1/users/balance' })).envelope.data?.balance
    assert.equal(Number(before_) - Number(after_), 12.5)
    assert.equal(codeOf(await call(asked)), 'DP00900001017')
  })
  test('a PIN is opened and compared', async () => {
    for (const [pin, code] of [[sealPin({ ...kenya, pin: kenya.pin === '1111' ? '2222' : '1111' }), 'ROUTER115'], [kenya.pin, 'ROUTER116'], [sealPin({ ...kenya, pin: 'x' }), 'ROUTER116']] as const) {
      assert.equal(codeOf(await call(disbursement('733123456', { pin }))), code)
    }
  })
  test('a refund gives the whole back, once, and says success: false as documented', async () => {
    const asked = collection('733123456')
    await call(asked)
    await sleep(decideAfterMs * 2)
    const id = (await call({ path: `/standard/v1/payments/${asked.id}` })).envelope.data?.transaction?.airtel_money_id
    const refund = { path: '/standard/v1/payments/refund', body: { transaction: { airtel_money_id: id } } }
    const answer = await call(refund)
    assert.deepEqual([answer.envelope.status?.success, answer.envelope.data?.transaction?.status, await stateOf(asked.id)], [false, 'SUCCESS', 'TR'])
    assert.equal(codeOf(await call(refund)), 'ESB000041')
    assert.equal(codeOf(await call({ ...refund, by: await simulator.provision('KE') })), 'ESB000045')
  })
  test('says who a number belongs to', async () => {
    const holder = async (msisdn: string): Promise<unknown> => {
      const { envelope } = await call({ path: `/standard/v1/users/${msisdn}` })
      return [envelope.status?.response_code, envelope.data?.is_barred]
    }
    assert.deepEqual(await holder('733123456'), ['DP02200000001', false])
    assert.deepEqual(await holder('700000068'), ['DP02200000001', true])
    assert.deepEqual(await holder('700000055'), ['DP02200000000', undefined])
  })
})

describe('callbacks', () => {
  const withCallback = async (msisdn: string): Promise<string> => {
    const { port } = receiver.address() as { readonly port: number }
    const asked = collection(msisdn)
    await call({ ...asked, headers: { 'x-callback-url': `http://127.0.0.1:${port}/cb` } })
    return asked.id
  }
  const rightHash = ({ text, hash }: Callback): boolean => {
    const transaction = text.slice('{"transaction":'.length, text.indexOf(',"hash"'))
    return createHmac('sha256', kenya.callbackKey).update(transaction).digest('base64') === hash
  }
  for (const [kind, states, hashed] of [
    [undefined, ['TF'], true], ['drop', [], true], ['twice', ['TF', 'TF'], true], ['lie', ['TS'], true], ['forge', ['TF'], false],
    ['out_of_order', ['TF', 'TIP'], true], ['late', [], true],
  ] as const) {
    test(`${kind ?? 'without a script'}: ${states.join(', ') || 'none'}`, async () => {
      const manner = kind === 'late' ? { kind, delayMs: 60_000 } : { kind }
      await simulator.script(kind === undefined ? [] : [{ on: 'callback', do: manner }])
      const id = await withCallback('700000050')
      await sleep(decideAfterMs * 2.5)
      assert.deepEqual(callbacks.map(({ transaction }) => transaction.status_code), states)
      assert.ok(callbacks.every((one) => rightHash(one) === hashed && one.transaction.id === id))
    })
  }
  test('before the answer', async () => {
    await simulator.script([{ on: 'callback', do: { kind: 'before_answer' } }])
    await withCallback('700000050')
    assert.equal(callbacks.length, 1)
  })
})

describe('bad manners', () => {
  test('the same seed hits the same requests', async () => {
    const run = async (seed: number): Promise<readonly number[]> => {
      await simulator.script([{ on: 'request', do: { kind: 'answer', status: 500 }, share: 0.5 }], seed)
      const statuses: number[] = []
      for (let turn = 0; turn < 12; turn++) statuses.push((await call(collection('733123456'))).status)
      return statuses
    }
    const first = await run(7)
    assert.deepEqual(await run(7), first)
    assert.equal(new Set(first).size, 2)
  })
  for (const [on, manner, status] of [
    ['request', { kind: 'answer', status: 503 }, 503], ['request', { kind: 'token_expired' }, 401], ['request', { kind: 'rate_capped' }, 429],
    ['request', { kind: 'signature_mismatch' }, 403], ['request', { kind: 'take_and_answer', status: 500 }, 500],
  ] as const) {
    test(`a ${on} gets ${status} (${manner.kind}), once`, async () => {
      await simulator.script([{ on, do: manner, times: 1 }])
      assert.equal((await call(collection('733123456'))).status, status)
      assert.equal((await call(collection('733123456'))).status, 200)
    })
  }
  test('decides against the number', async () => {
    await simulator.script([{ on: 'request', do: { kind: 'decide', status: 'TE', code: 'DP00800001029' } }])
    const asked = collection('733123456')
    await call(asked)
    await sleep(decideAfterMs * 2)
    assert.equal(await stateOf(asked.id), 'TE')
  })
  test('a script that it does not understand is refused', async () => {
    const answer = await simulator.call({ method: 'POST', path: '/simulator/script', body: { rules: [{ on: 'request', do: { kind: 'explode' } }] } })
    assert.equal(answer.status, 400)
  })
})

test('keeps a cap on calls', async () => {
  const capped = await AirtelMoneySimulator.start({ CALLS_PER_SECOND_MAX: '5' })
  try {
    const { clientId, clientSecret } = await capped.provision('KE')
    const { body } = await capped.call({ method: 'POST', path: '/auth/oauth2/token', body: { client_id: clientId, client_secret: clientSecret, grant_type: 'client_credentials' } })
    const headers = { 'authorization': `Bearer ${(body as { access_token: string }).access_token}`, 'x-country': 'KE', 'x-currency': 'KES' }
    const answers = await Promise.all(Array.from({ length: 8 }, () => capped.call({ method: 'GET', path: `/standard/v1/payments/${newId()}`, headers })))
    assert.deepEqual(answers.map(({ status }) => status).toSorted((a, b) => a - b), [...Array<number>(5).fill(200), 429, 429, 429])
  } finally {
    await capped.stop()
  }
})

test('what was acknowledged survives kill -9 with its fate and its keys, and a torn last line does not', async () => {
  const asked = collection('700000050')
  await call(asked)
  await simulator.kill()
  await appendFile(join(simulator.folder, 'journal.jsonl'), '{"kind":"transaction","id')
  await simulator.restart()
  await sleep(decideAfterMs)
  assert.equal(await stateOf(asked.id), 'TF')
  assert.equal(codeOf(await call(asked)), 'ESB000041')
})
