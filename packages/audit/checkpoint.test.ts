import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { noteKeyId, openCheckpoint, parseCheckpoint, signaturesMax, signCheckpoint } from './checkpoint.ts'
import { emptyRoot } from './hash.ts'
import { leavesOf } from './testing/naive-tree.ts'

const origin = 'ngome/custodian-log/test'
const keys = generateKeyPairSync('ed25519')
const others = generateKeyPairSync('ed25519')
const [root = emptyRoot] = leavesOf(1)
const good = signCheckpoint({ origin, size: 17, root }, keys)
const from = { origin, publicKey: keys.publicKey }
const signatureOf = (text: string): string => text.slice(text.indexOf('—'))
const cosigned = good + signatureOf(signCheckpoint({ origin: 'witness.example/w', size: 17, root }, others))

test('reads back what it wrote, and believes it by its key and origin alone', () => {
  assert.deepEqual(parseCheckpoint(good)?.checkpoint, { origin, size: 17, root })
  const opened = openCheckpoint(good, from)
  assert.deepEqual([opened?.origin, opened?.size, Buffer.from(opened?.root ?? [])], [origin, 17, Buffer.from(root)])
  assert.equal(openCheckpoint(good, { ...from, publicKey: others.publicKey }), undefined)
  assert.equal(openCheckpoint(good, { ...from, origin: `${origin}x` }), undefined)
  assert.ok(openCheckpoint(signCheckpoint({ origin, size: 0, root: emptyRoot }, keys), from))
})

// Verifier keys as the Go project publishes them (golang.org/x/mod/sumdb/note): name, key id, type and key.
const knownKeys = [
  'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8',
  'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
]

test('gives keys the ids that others give them', () => {
  for (const text of knownKeys) {
    const [, name = '', id = '', encoded = ''] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text) ?? []
    const x = Buffer.from(encoded, 'base64').subarray(1).toString('base64url')
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
    assert.equal(noteKeyId(name, publicKey), Number.parseInt(id, 16))
  }
})

const attacks: Readonly<Record<string, string>> = {
  'nothing': '',
  'no signature': good.slice(0, good.indexOf('—')),
  'no last line end': good.slice(0, -1),
  'one line end more': `${good}\n`,
  'two blank lines': good.replace('\n\n', '\n\n\n'),
  'no blank line': good.replace('\n\n', '\n'),
  'line ends of Windows': good.replaceAll('\n', '\r\n'),
  'a byte order mark': `\ufeff${good}`,
  'another size': good.replace('\n17\n', '\n18\n'),
  'a size with a zero before it': good.replace('\n17\n', '\n017\n'),
  'a size with a sign': good.replace('\n17\n', '\n+17\n'),
  'a negative size': good.replace('\n17\n', '\n-17\n'),
  'a size in hexadecimal': good.replace('\n17\n', '\n0x11\n'),
  'a size with an exponent': good.replace('\n17\n', '\n1e1\n'),
  'a size with a space': good.replace('\n17\n', '\n17 \n'),
  'a size in other digits': good.replace('\n17\n', '\n١٧\n'),
  'a size past counting': good.replace('\n17\n', '\n9007199254740992\n'),
  'no size': good.replace('\n17\n', '\n\n'),
  'no leaves, with a root': good.replace('\n17\n', '\n0\n'),
  'another root': good.replace(Buffer.from(root).toString('base64'), Buffer.from(emptyRoot).toString('base64')),
  'a root in base64url': good.replace(Buffer.from(root).toString('base64'), Buffer.alloc(32, 0xfb).toString('base64url')),
  'a root without padding': good.replace('=\n\n', '\n\n'),
  'a root that is short': good.replace(Buffer.from(root).toString('base64'), Buffer.from(root.subarray(1)).toString('base64')),
  'an extension line': good.replace('\n\n', '\nmore\n\n'),
  'another origin': good.replaceAll(origin, `${origin}x`),
  'the origin of another in the text only': good.replace(origin, `${origin}x`),
  'no origin': good.replace(`${origin}\n`, '\n'),
  'an origin with a space': good.replaceAll(origin, 'ngome/ custodian'),
  'a signature with a hyphen': good.replace('—', '-'),
  'a signature with two spaces': good.replace('— ', '—  '),
  'a signature by a stranger': signCheckpoint({ origin, size: 17, root }, others),
  'a stranger\'s signature under our key\'s id': good.slice(0, good.indexOf('—')) + signatureOf(forged()),
  'a witness\'s signature alone': cosigned.replace(signatureOf(good), ''),
  'our signature twice': good + signatureOf(good),
  'our signature and a wrong one under our name and key': good + signatureOf(signCheckpoint({ origin, size: 18, root }, keys)),
  'the signature of another size': good.replace(signatureOf(good), signatureOf(signCheckpoint({ origin, size: 18, root }, keys))),
  'a signature line that is broken after a good one': `${good}— x y\n`,
  'a signature line of a key id alone': `${good}— witness.example/w AAAAAA==\n`,
  'half a character': good.replace('—', '\ud800'),
  'more signatures than are read': good + signatureOf(cosigned).replace(signatureOf(good), '').repeat(signaturesMax),
  'more text than is read': good.replace('\n\n', `\n${'x'.repeat(140_000)}\n\n`),
}

for (const [name, text] of Object.entries(attacks)) {
  test(`believes no checkpoint: ${name}`, () => assert.equal(openCheckpoint(text, from), undefined))
}

/** As a stranger signs who knows our key's id, which is no secret. */
function forged(): string {
  const text = signCheckpoint({ origin, size: 17, root }, others)
  const [, line = ''] = /— \S+ (\S+)/.exec(text) ?? []
  const bytes = Buffer.from(line, 'base64')
  bytes.writeUInt32BE(noteKeyId(origin, keys.publicKey))
  return text.replace(line, bytes.toString('base64'))
}

test('a witness may sign beside us, before or behind', () => {
  assert.ok(openCheckpoint(cosigned, from))
  const theirs = signatureOf(signCheckpoint({ origin: 'witness.example/w', size: 17, root }, others))
  assert.ok(openCheckpoint(good.replace('—', `${theirs}—`), from))
  assert.equal(parseCheckpoint(cosigned)?.signatures.length, 2)
})

test('writes no checkpoint that nobody could read', () => {
  const bad = [
    { size: -1 }, { size: 0.5 }, { size: 2 ** 53 }, { size: 0 }, { root: root.subarray(1) },
    { origin: '' }, { origin: 'a b' }, { origin: 'a+b' }, { origin: 'a\n1' }, { origin: 'a\u2003b' }, { origin: 'x'.repeat(256) },
  ]
  for (const change of bad) assert.throws(() => signCheckpoint({ origin, size: 17, root, ...change }, keys), RangeError)
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  assert.throws(() => signCheckpoint({ origin, size: 17, root }, rsa), TypeError)
  assert.throws(() => noteKeyId(origin, createPublicKey(rsa.privateKey)), TypeError)
})

test('what parses is what was written: every text that is read is written again just so', () => {
  const size = fc.nat({ max: Number.MAX_SAFE_INTEGER - 1 }).map((at) => at + 1)
  fc.assert(fc.property(size, fc.uint8Array({ minLength: 32, maxLength: 32 }), (count, hash) => {
    const text = signCheckpoint({ origin, size: count, root: hash }, keys)
    const parsed = parseCheckpoint(text)
    assert.ok(parsed)
    assert.equal(parsed.body, text.slice(0, text.indexOf('\n\n') + 1))
    assert.equal(parsed.checkpoint.size, count)
    assert.deepEqual(Buffer.from(parsed.checkpoint.root), Buffer.from(hash))
  }))
})

test('a text with one character changed, added or gone is not believed, and nothing makes the parser throw', () => {
  fc.assert(fc.property(fc.nat(), fc.string({ unit: 'binary', maxLength: 2 }), fc.nat(1), (pick, put, cut) => {
    const at = pick % good.length
    const text = good.slice(0, at) + put + good.slice(at + cut)
    assert.equal(openCheckpoint(text, from) !== undefined, text === good)
  }))
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => { assert.equal(parseCheckpoint(text), undefined) }))
})
