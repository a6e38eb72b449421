import assert from 'node:assert/strict'
import { createSecretKey, generateKeyPairSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { Fault, ManualClock, newId, Secret, systemRandom } from '@ngome/kernel'
import fc from 'fast-check'
import { createLogger, type Logger } from './create-logger.ts'
import { redact, redactLine, redactText } from './redact.ts'

type Line = Readonly<Record<string, unknown>> & { readonly msg?: string; readonly err?: Readonly<Record<string, unknown>> }

/** A log whose lines can be read back. */
function testLog(): { log: Logger; text: () => string; lines: () => Line[] } {
  const written: string[] = []
  const log = createLogger({ process: 'gateway', level: 'trace', destination: { write: (line) => void written.push(line) } })
  const text = () => written.join('')
  return { log, text, lines: () => text().split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Line) }
}

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
const keyLine = pem.split('\n')[1] ?? assert.fail()

/** What is a secret by its form alone, wherever it stands. */
const formed: readonly (readonly [claim: string, text: string, planted: string])[] = [
  ['an API key', 'ngome_sk_test_01h455vb4pex5vsknk084sn02q_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789_-AbCde', 'AbCdEfGhIj'],
  ['a live API key', 'ngome_sk_live_01h455vb4pex5vsknk084sn02q_AbCdEfGhIjKlMnOpQrStUvWxYz', 'AbCdEfGhIj'],
  ['a webhook secret', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'MfKQ9r8GKY'],
  ['a phone number', '+256772123456', '772123456'],
  ['a phone number in groups', '+256 772 123-456', '772 123'],
  ['a phone number without a plus sign', '46733123450', '46733123450'],
  ['a card number', '4111111111111111', '4111111111111111'],
  ['a private key', pem, keyLine],
  ['a private key that broke off', pem.slice(0, 120), pem.slice(40, 80)],
  ['a JSON Web Token', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0xyz.c2lnbmF0dXJlX29mX2l0', 'c2lnbmF0dXJl'],
  ['an enrolment token', 'eyJyb2xlIjoiZ2F0ZXdheSJ9.c2lnbmF0dXJlX29mX2l0', 'c2lnbmF0dXJl'],
  ['a bearer header', 'Bearer abcdef0123456789', 'abcdef0123456789'],
  ['a basic header', 'Authorization: basic dXNlcjpwYXNz', 'dXNlcjpwYXNz'],
  ['a password in an address', 'postgresql://admin:hunter2@localhost/ngome', 'hunter2'],
]

const secretNames = [
  'authorization', 'Authorization', 'proxy-authorization', 'secret', 'clientSecret', 'token', 'access_token', 'password',
  'db-password', 'passphrase', 'cookie', 'set-cookie', 'x-api-key', 'apiKey', 'key', 'privateKey', 'merchant_key', 'phone',
  'payer_phone', 'msisdn', 'payer', 'pepper', 'credentials', 'Ocp-Apim-Subscription-Key', 'idempotencyKey', 'pin', 'email',
]

describe('the log', () => {
  test('is JSON lines with level, time and process', () => {
    const { log, lines } = testLog()
    log.info({ port: 8443 }, 'listening on %s', 'localhost')
    log.warn('twice')
    const [first, second] = lines()
    assert.deepEqual({ ...first, time: '' }, { level: 'info', time: '', process: 'gateway', port: 8443, msg: 'listening on localhost' })
    assert.match(String(first?.['time']), /^\d{4}-\d\d-\d\dT/)
    assert.equal(second?.['level'], 'warn')
  })

  test('tells a fault\'s code, message, fields and chain of causes', () => {
    const { log, lines } = testLog()
    const cause = Object.assign(new Error('connect refused'), { code: 'ECONNREFUSED' })
    log.error(new Fault('store/unavailable', 'the pool is empty', { cause, fields: [{ pointer: '/a', detail: 'b' }] }))
    log.error({ err: new Error('outer', { cause: 'words' }) }, 'with words')
    log.error(new Error('inner'), 'its own words')
    const [fault, outer, worded] = lines()
    assert.equal(fault?.msg, 'the pool is empty')
    assert.equal(fault?.err?.['code'], 'store/unavailable')
    assert.deepEqual(fault?.err?.['fields'], [{ pointer: '/a', detail: 'b' }])
    assert.equal((fault?.err?.['cause'] as Line | undefined)?.['code'], 'ECONNREFUSED')
    assert.match(String(fault?.err?.['stack']), /create-logger\.test/)
    assert.equal(outer?.err?.['cause'], 'words')
    assert.equal(worded?.msg, 'its own words')
    assert.equal(worded?.err?.['message'], 'inner')
  })

  test('leaves ids, flags and absent values readable under secret names', () => {
    const { log, lines } = testLog()
    const key = newId('apiKey', { clock: new ManualClock(0), random: systemRandom })
    log.info({ key, token: null, isSecret: true, monkey: 'x' })
    const { level: _, time: _time, process: _process, ...rest } = lines()[0] ?? {}
    assert.deepEqual(rest, { key, token: null, isSecret: true, monkey: '[redacted]' })
  })

  test('bounds what one line may hold', () => {
    const { log, text } = testLog()
    const loop: Record<string, unknown> = {}
    loop['self'] = loop
    const causes: Error = Array.from({ length: 50 }).reduce<Error>((cause) => new Error('again', { cause }), new Error('first'))
    log.info({ loop, wide: Array.from({ length: 5000 }, (_, at) => at), long: 'x'.repeat(100_000) })
    assert.ok(text().length < 12_000, `${text().length}`)
    assert.doesNotMatch(JSON.stringify(redact(causes)), /first/)
  })

  test('writes no value that could carry a secret unseen', () => {
    const values: readonly [unknown, unknown][] = [
      [new Secret('planted'), '[secret]'],
      [new Uint8Array(4), '[4 bytes]'],
      [new ArrayBuffer(3), '[3 bytes]'],
      [new Date(0), '1970-01-01T00:00:00.000Z'],
      [new Date(Number.NaN), 'Invalid Date'],
      [10n, '10'],
      [() => 1, '[function]'],
      [Symbol('+256772123456'), 'Symbol([redacted])'],
      [new URL('https://u:planted@a.example/'), 'https://[redacted]@a.example/'],
      [new Map<string, unknown>([['token', 'planted'], ['n', 1]]), { token: '[redacted]', n: 1 }],
      [new Set(['+256772123456']), ['[redacted]']],
      [createSecretKey(Buffer.from('planted!')), {}],
      [undefined, undefined],
      [1, 1],
    ]
    for (const [value, expected] of values) assert.deepEqual(redact(value), expected)
  })

  test('goes to standard output where nobody says otherwise', () => {
    assert.equal(createLogger({ process: 'test', level: 'fatal' }).level, 'fatal')
  })
})

describe('a secret does not reach the log', () => {
  for (const [claim, secret, planted] of formed) {
    test(`by its form: ${claim}`, () => {
      const { log, text } = testLog()
      log.info(`said ${secret} aloud`)
      log.info('said %s', secret)
      log.info({ note: secret, list: [{ deep: secret }], [secret]: 1 })
      log.error(new Error(secret, { cause: new Error(secret) }))
      log.error({ err: Object.assign(new Error('x'), { name: secret, code: secret, detail: secret }) }, 'failed')
      log.child({ note: secret }).info('child')
      log.setBindings({ note: secret })
      log.info('bound')
      assert.equal(text().split('\n').length, 8)
      assert.ok(!text().includes(planted), text())
    })
  }

  for (const name of secretNames) {
    test(`by its name: ${name}`, () => {
      const { log, text } = testLog()
      log.info({ [name]: 'planted', deep: { headers: { [name]: ['planted'] } } }, 'x')
      log.info('%o and %j', { [name]: 'planted' }, { [name]: { value: 'planted' } })
      log.child({ [name]: 'planted' }).child({ [name]: 'planted' }).info('x')
      assert.ok(!text().includes('planted'), text())
    })
  }

  test('by its type, wherever it is put', () => {
    const { log, text } = testLog()
    const secret = new Secret('planted')
    log.info({ secret, deep: [{ secret }] }, 'x %s %o', secret, { secret })
    log.child({ note: secret }).error(new Fault('store/unavailable', 'x', { cause: { note: secret } }))
    assert.ok(!text().includes('planted'), text())
  })

  test('whatever stands around it', () => {
    const secret = fc.constantFrom(...formed.map(([, text, planted]) => [text, planted] as const))
    // A separator: a word that runs into a number makes it another number.
    const around = fc.string({ maxLength: 12 }).map((text) => `${text.replaceAll(/[A-Za-z0-9_.+:-]/g, '')} `)
    const shape = fc.constantFrom<(text: string) => unknown>(
      (text) => text, (text) => ({ a: text }), (text) => [[text]], (text) => new Error(text), (text) => ({ a: { b: new Error(text) } }),
      (text) => new Map([[text, text]]), (text) => ({ [text]: text }),
    )
    fc.assert(fc.property(secret, around, around, shape, ([text_, planted], before, behind, make) => {
      const { log, text } = testLog()
      const value = make(`${before}${text_} ${behind}`)
      log.info(value, 'a %s b', value)
      assert.ok(!text().includes(planted), text())
      assert.doesNotThrow(() => JSON.parse(text()))
    }))
  })

  test('in a line that a library serialised on its own, which stays JSON', () => {
    for (const [, secret, planted] of formed.filter(([claim]) => !/without a plus|card/.test(claim))) {
      const line = redactLine(`${JSON.stringify({ a: secret, b: [secret, 1] })}\n`)
      assert.ok(!line.includes(planted), line)
      assert.equal((JSON.parse(line) as { b: unknown[] }).b[1], 1)
      assert.ok(line.endsWith('\n'))
    }
  })

  test('and a text that has none stays as it is', () => {
    for (const text of ['payment pay_01h455vb4pex5vsknk084sn02q accepted', '127.0.0.1:8443', '2026-11-22T18:01:37.110Z', 'a+b=c', '1 + 2']) {
      assert.equal(redactText(text), text)
    }
  })
})
