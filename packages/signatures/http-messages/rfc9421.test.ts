import assert from 'node:assert/strict'
import { createHmac, createPrivateKey, createPublicKey, verify, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { vectorsDir } from '@ngome/testkit'
import { parseDictionary } from '../structured-fields/parse-structured.ts'
import { isInnerList } from '../structured-fields/values.ts'
import { messageAlgorithmOf, signBytes, verifyBytes } from './algorithms.ts'
import { isContentDigest } from './content-digest.ts'
import type { HttpMessage } from './message.ts'
import { signatureBase } from './signature-base.ts'

const vectors = vectorsDir()
const skip = vectors === undefined && 'the third-party vectors are not here (NGOME_VECTORS)'
const text = vectors === undefined ? '' : readFileSync(join(vectors, 'rfc9421', 'test-cases.md'), 'utf8')

/** The code blocks of the section under a heading, unfolded (RFC 8792 §7). */
function blocksOf(heading: string): readonly string[] {
  const section = text.split(/^#{2,3} /m).find((part) => part.startsWith(heading)) ?? assert.fail(`no section ${heading}`)
  return Array.from(section.matchAll(/^~~~ *[a-z-]*\n([\s\S]*?)\n~~~/gm), ([, block = '']) =>
    block.replace(/^NOTE: '\\' line wrapping per RFC 8792\n\n/, '').replaceAll(/\\\n */g, ''))
}

function messageOf(block: string): HttpMessage & { readonly body: string } {
  const [head = '', ...body] = block.split('\n\n')
  const [start = '', ...lines] = head.split('\n')
  const fields = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1)]))
  const host = fields.get('host')?.trim()
  const [first = '', second = ''] = start.split(' ')
  const line = first.startsWith('HTTP/') ? { status: Number(second) } : { method: first, target: second }
  return { ...line, ...(host === undefined ? {} : { host }), field: (name) => fields.get(name), body: body.join('\n\n') }
}

function privateKey(name: string): KeyObject {
  const pem = blocksOf(name).join('\n').match(/-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----[\s\S]*?-----END [A-Z ]+-----/)?.[0]
  return createPrivateKey(pem ?? assert.fail(`no key ${name}`))
}

const keys: Readonly<Record<string, string>> = {
  'test-key-rsa-pss': 'Example RSA PSS Key', 'test-key-ecc-p256': 'Example ECC P-256', 'test-key-ed25519': 'Example Ed25519',
}

const cases = [
  ['Minimal Signature Using rsa-pss-sha512', 'request'],
  ['Selective Covered Components using rsa-pss-sha512', 'request'],
  ['Full Coverage using rsa-pss-sha512', 'request'],
  ['Signing a Response using ecdsa-p256-sha256', 'response'],
  ['Signing a Request using hmac-sha256', 'request'],
  ['Signing a Request using ed25519', 'request'],
] as const

suite('the examples of RFC 9421, appendix B.2', { skip }, () => {
  for (const [heading, kind] of cases) {
    test(heading, async () => {
      const [base = '', signed = ''] = blocksOf(heading)
      const fields = messageOf(`POST / HTTP/1.1\n${signed}`)
      await checkExample(kind === 'request' ? request() : response(base), base, fields)
    })
  }
  test('TLS-Terminating Proxies', async () => {
    const blocks = blocksOf('TLS-Terminating Proxies')
    const signed = messageOf(blocks[4] ?? '')
    await checkExample(signed, blocks[2] ?? '', signed)
  })
  test('the digests of the messages are right, and of other bytes they are not', () => {
    const { field, body } = request()
    assert.ok(isContentDigest(field('content-digest')?.trim() ?? '', Buffer.from(body)))
    assert.ok(!isContentDigest(field('content-digest')?.trim() ?? '', Buffer.from(`${body} `)))
  })
  test('none of their keys is strong enough for us but the Ed25519 one', () => {
    const algorithms = Object.values(keys).map((name) => messageAlgorithmOf(privateKey(name)))
    assert.deepEqual(algorithms, [undefined, undefined, 'ed25519'])
  })
})

function request() {
  return messageOf(blocksOf('Test Cases')[0] ?? '')
}

/** Its digest as the example's base has it: the message printed above that is of an older text (RFC errata). */
function response(base: string) {
  const message = messageOf(blocksOf('Test Cases')[1] ?? '')
  const digest = base.match(/^"content-digest": (.*)$/m)?.[1]
  return { ...message, field: (name: string) => name === 'content-digest' ? digest : message.field(name) }
}

async function checkExample(message: HttpMessage, base: string, { field }: HttpMessage): Promise<void> {
  const inputs = parseDictionary([field('signature-input')?.trim() ?? '']) ?? assert.fail('no Signature-Input')
  const [[label, input] = assert.fail('no label')] = inputs
  const signature = parseDictionary([field('signature')?.trim() ?? ''])?.get(label)
  assert.ok(isInnerList(input) && signature !== undefined && !isInnerList(signature) && signature.value.type === 'binary')
  const found = signatureBase(message, input) ?? assert.fail('a component cannot be covered')
  assert.equal(Buffer.from(found).toString('latin1'), base)
  const id = input.parameters.get('keyid')?.value
  const changed = Buffer.concat([found, Buffer.from(' ')])
  for (const [bytes, isRight] of [[found, true], [changed, false]] as const) {
    assert.equal(await isSignature(String(id), bytes, signature.value.value), isRight)
  }
}

async function isSignature(id: string, bytes: Uint8Array, signature: Uint8Array): Promise<boolean> {
  if (id === 'test-shared-secret') {
    const secret = Buffer.from(blocksOf('Example Shared Secret')[0] ?? '', 'base64')
    return createHmac('sha256', secret).update(bytes).digest().equals(signature)
  }
  const own = privateKey(keys[id] ?? assert.fail(`no key ${id}`))
  const key = createPublicKey(own)
  // Not one of our algorithms: its bytes count here, and node:crypto is asked by itself.
  if (id === 'test-key-ecc-p256') return verify('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }, signature)
  const algorithm = id === 'test-key-ed25519' ? 'ed25519' : 'rsa-pss-sha512'
  assert.ok(await verifyBytes(algorithm, key, bytes, signBytes(algorithm, own, bytes)))
  return verifyBytes(algorithm, key, bytes, signature)
}
