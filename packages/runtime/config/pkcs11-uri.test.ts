import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { loadConfig } from './load-config.ts'
import { formatPkcs11Uri, parsePkcs11Uri, type Pkcs11Uri } from './pkcs11-uri.ts'

const whole = 'pkcs11:token=ngome;object=root?module-path=/usr/lib/m.so&pin-source=file:/etc/pin'

test('reads where the key lies, whom to ask, and where the PIN is', () => {
  assert.deepEqual(parsePkcs11Uri('pkcs11:token=The%20HSM;serial=12;id=%01%ff;object=a%3Bb;type=secret-key?pin-source=/p&module-path=/m%3f.so'), {
    ok: true, uri: {
      token: 'The HSM', serial: '12', id: '01ff', object: 'a;b', manufacturer: undefined, model: undefined,
      modulePath: '/m?.so', pinSource: '/p',
    },
  })
  const file = parsePkcs11Uri(whole.replace('file:', 'file://'))
  assert.ok(file.ok && file.uri.pinSource === '/etc/pin')
})

const label = (bytes: number) => fc.string({ minLength: 1, maxLength: bytes, unit: 'binary' })
  .filter((text) => Buffer.byteLength(text) <= bytes && !/\p{Cc}/u.test(text) && text.isWellFormed())
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined })

test('reads back what it writes', () => {
  fc.assert(fc.property(fc.record({
    object: label(100), id: maybe(fc.uint8Array({ minLength: 1, maxLength: 64 }).map((bytes) => Buffer.from(bytes).toString('hex'))),
    token: label(32), serial: maybe(label(16)), manufacturer: maybe(label(32)), model: maybe(label(16)),
    modulePath: label(50).map((text) => `/${text}`), pinSource: label(50).map((text) => `/${text}`).filter((text) => !text.startsWith('//')),
  }, { noNullPrototype: true }), (uri: Pkcs11Uri) => {
    assert.deepEqual(parsePkcs11Uri(formatPkcs11Uri(uri)), { ok: true, uri })
  }))
})

test('answers a problem to any other text, and never throws', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.nat(whole.length), (text, at) => {
    assert.equal(parsePkcs11Uri(`pkcs11:${text}`).ok, false)
    parsePkcs11Uri(whole.slice(0, at) + text + whole.slice(at))
  }))
})

const refused: readonly (readonly [string, string, RegExp])[] = [
  ['a PIN in the text', `${whole}&pin-value=4711`, /must not carry pin-value: .*pin-source=file:/],
  ['a PIN among the path attributes', whole.replace('?', ';pin-value=4711?'), /must not carry pin-value/],
  ['a slot number', whole.replace('?', ';slot-id=0?'), /slots are renumbered/],
  ['a module by name', whole.replace('module-path=/usr/lib/m.so', 'module-name=softhsm2'), /absolute path/],
  ['a relative module', whole.replace('/usr/lib/m.so', 'm.so'), /module-path= with an absolute path/],
  ['no module', whole.replace('module-path=/usr/lib/m.so&', ''), /module-path=/],
  ['a command as PIN source', whole.replace('file:/etc/pin', '|cat%20/etc/pin'), /pin-source=file:/],
  ['no PIN source', whole.replace('&pin-source=file:/etc/pin', ''), /pin-source=file:/],
  ['no query', whole.replace(/\?.*/, ''), /module-path=/],
  ['no key', whole.replace(';object=root', ''), /object=/],
  ['no token', whole.replace('token=ngome;', ''), /token= or serial=/],
  ['another type of key', whole.replace('?', ';type=private?'), /type=secret-key/],
  ['an attribute twice', whole.replace('?', ';token=other?'), /token once/],
  ['an unknown attribute', whole.replace('?', ';x-vendor=4711?'), /not known here/],
  ['an empty value', whole.replace('=ngome', '='), /token a value/],
  ['an attribute without a value', whole.replace('=ngome', ''), /token a value/],
  ['half an escape', whole.replace('ngome', 'ng%2'), /percent-encoded/],
  ['a space', whole.replace('ngome', 'n gome'), /percent-encoded/],
  ['a label that no token has room for', whole.replace('ngome', 'n'.repeat(33)), /at most 32 bytes/],
  ['bytes that are no text', whole.replace('ngome', '%ff'), /UTF-8/],
  ['a null byte', whole.replace('/etc/pin', '/etc/pin%00'), /control characters/],
  ['an endless text', whole + 'x'.repeat(8192), /RFC 7512/],
]
for (const [what, text, message] of refused) {
  test(`refuses ${what}, and repeats no value`, () => {
    const parsed = parsePkcs11Uri(text)
    assert.ok(!parsed.ok)
    assert.match(parsed.message, message)
    assert.doesNotMatch(parsed.message, /4711/)
  })
}

test('is set by NGOME_ROOT_KEY, or in the file; the default is the file of the test world', () => {
  const load = (env: Record<string, string>) => loadConfig({ NGOME_CONFIG: '', NGOME_DATA: '/tmp/none', ...env }).custodian.rootKey
  assert.deepEqual(load({}), { kind: 'file' })
  assert.equal(load({ NGOME_CUSTODIAN__ROOT_KEY: whole }).kind, 'pkcs11')
  assert.throws(() => load({ NGOME_ROOT_KEY: 'file', NGOME_CUSTODIAN__ROOT_KEY: 'file' }), /is set beside NGOME_ROOT_KEY/)
  assert.throws(() => load({ NGOME_ROOT_KEY: 'vault' }), /custodian\.rootKey: must be file, shares or a pkcs11: URI/)
  assert.throws(() => load({ NGOME_ROOT_KEY: `${whole}&pin-value=4711` }), (error: Error) => /pin-source/.test(error.message) && !/4711/.test(error.message))
})
