import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { inspect } from 'node:util'
import { isBrowser } from './ambient.ts'
import { ApiKey } from './api-key.ts'
import { Client } from './client.ts'
import { ConfigurationError, Ngome, type NgomeOptions } from './mod.ts'
import { keyOf, publishableKeyOf } from './testing/key.ts'
import { VirtualRuntime } from './testing/virtual-runtime.ts'

const baseUrl = 'https://api.example.com'
function refusal(options: NgomeOptions, change: (runtime: VirtualRuntime) => void = () => undefined): ConfigurationError {
  const runtime = new VirtualRuntime()
  change(runtime)
  try {
    void new Client({ baseUrl, ...options }, runtime)
  } catch (error) {
    assert.ok(error instanceof ConfigurationError)
    assert.deepEqual([error.code, runtime.requests.length], ['sdk/configuration', 0])
    return error
  }
  throw new assert.AssertionError({ message: 'the client was made' })
}

suite('a client is refused', () => {
  const key = keyOf()
  const cases: readonly (readonly [string, NgomeOptions, RegExp])[] = [
    ['over plain HTTP', { apiKey: key, baseUrl: 'http://api.example.com' }, /plain HTTP/],
    ['over plain HTTP on its own machine', { apiKey: key, baseUrl: 'http://localhost:8443' }, /plain HTTP/],
    ['of another scheme', { apiKey: key, baseUrl: 'ftp://api.example.com' }, /https:/],
    ['of no scheme', { apiKey: key, baseUrl: 'api.example.com' }, /https:/],
    ['with a password in the address', { apiKey: key, baseUrl: 'https://a:b@api.example.com' }, /host alone/],
    ['with a path in the address', { apiKey: key, baseUrl: 'https://api.example.com/v1' }, /host alone/],
    ['without an address', { apiKey: key, baseUrl: '' }, /NGOME_BASE_URL/],
    ['without a key', {}, /NGOME_API_KEY/],
    ['with an empty key', { apiKey: '' }, /NGOME_API_KEY/],
    ['with a key of the other world', { apiKey: key, world: 'live' }, /world/],
    ['with a live key in a program for tests', { apiKey: keyOf('live'), world: 'test' }, /world/],
    ['with a key that was cut', { apiKey: key.slice(0, -1) }, /not an API key/],
    ['with a key that was mistyped', { apiKey: key.slice(0, 60) + (key[60] === 'x' ? 'y' : 'x') + key.slice(61) }, /not an API key/],
    ['with a key with a line end', { apiKey: `${key}\n` }, /not an API key/],
    ['with something else in the place of a key', { apiKey: 'sk_test_4eC39HqLyjWDarjtT1zdp7dc' }, /not an API key/],
    ['with a time of nothing', { apiKey: key, timeoutMs: 0 }, /timeoutMs/],
    ['with a time without end', { apiKey: key, timeoutMs: Number.POSITIVE_INFINITY }, /timeoutMs/],
    ['with retries without end', { apiKey: key, retriesMax: 1e9 }, /retriesMax/],
    ['with a rate of nothing', { apiKey: key, rateLimits: { ratePerS: 0 } }, /ratePerS/],
    ['with a rate that is no number', { apiKey: key, rateLimits: { ratePerS: Number.NaN } }, /ratePerS/],
    ['with answers of any size', { apiKey: key, answerBytesMax: 1e12 }, /answerBytesMax/],
  ]
  for (const [what, options, message] of cases) {
    test(what, () => {
      const error = refusal(options)
      assert.match(error.message, message)
      for (const secret of [options.apiKey, key].filter((one) => one !== undefined && one !== '')) {
        assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes(secret ?? ''), 'the key is in the error')
      }
    })
  }

  test('with a secret key in a browser, before any request; with a publishable one it is made', () => {
    assert.match(refusal({ apiKey: key }, (runtime) => { runtime.isBrowser = true }).message, /publishable/)
    const runtime = new VirtualRuntime()
    runtime.isBrowser = true
    assert.ok(new Client({ baseUrl, apiKey: publishableKeyOf() }, runtime))
  })

  test('on Node with pins that are none', () => {
    for (const pins of [[], ['sha256/x'], [`${'A'.repeat(42)}=`]]) {
      assert.throws(() => new Ngome({ apiKey: key, baseUrl, pins }), { code: 'sdk/configuration' }, pins[0])
    }
  })
})

suite('a browser is', () => {
  test('a page, and a worker of one; not Node', () => {
    assert.equal(isBrowser({ window: {}, document: {} }), true)
    assert.equal(isBrowser({ WorkerGlobalScope: class {} }), true)
    assert.equal(isBrowser(), false)
  })
})

suite('a key', () => {
  test('and an address are taken from the environment', async () => {
    const runtime = new VirtualRuntime()
    const text = keyOf()
    runtime.variables = { NGOME_API_KEY: text, NGOME_BASE_URL: 'https://env.example.com:8443/' }
    await new Client({}, runtime).payments.list().first()
    assert.equal(runtime.requests[0]?.url, 'https://env.example.com:8443/v1/payments')
    assert.equal(runtime.requests[0]?.headers['authorization'], `Bearer ${text}`)
  })

  test('cannot be printed, nor can the client that has it', () => {
    const text = keyOf()
    const client = new Client({ apiKey: text, baseUrl }, new VirtualRuntime())
    const key = ApiKey.parse(text)
    const shown = [client, key, client.payments, client.vault].flatMap((one) => [
      inspect(one, { depth: 20, showHidden: true }), JSON.stringify(one), JSON.stringify(Object.entries(one)),
    ])
    shown.push(String(key))
    for (const one of shown) assert.ok(!one.includes(text.slice(30)), one)
  })

  const ages: readonly (readonly [number, number])[] = [[89, 0], [90, 1], [400, 1]]
  for (const [days, warnings] of ages) {
    test(`that is ${days} days old ${warnings === 0 ? 'is used without a word' : 'is warned of, without its text'}`, () => {
      const runtime = new VirtualRuntime()
      const text = keyOf('test', days)
      const heard: string[] = []
      void new Client({ apiKey: text, baseUrl }, runtime)
      void new Client({ apiKey: text, baseUrl, onWarning: (message) => heard.push(message) }, runtime)
      assert.deepEqual([runtime.warnings.length, heard.length], [warnings, warnings])
      for (const message of heard) {
        assert.match(message, new RegExp(`key_[0-9a-z]{26} is ${days} days old`))
        assert.ok(!message.includes(text.slice(-40)))
      }
    })
  }
})
