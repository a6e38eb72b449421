import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { VaultReader } from '@ngome/testkit'
import fc from 'fast-check'
import { parseBase64Url, parseLengthPrefixed, toBase64Url as encode } from './bytes.ts'
import { SealerError, VaultKey, type ExpectedKey, type ValueType } from './mod.ts'

const readers = { hybrid: await VaultReader.create('hybrid'), fips: await VaultReader.create('fips') }

function expectedOf({ key, pin }: VaultReader): ExpectedKey {
  return { statementKey: pin, ...key.tenant, suites: [key.suite], nowMs: key.notBeforeMs }
}

const keyOf = (of: VaultReader): Promise<VaultKey> => VaultKey.verify(of.statement(), expectedOf(of))

for (const name of ['hybrid', 'fips'] as const) {
  const of = readers[name]
  suite(`what is sealed in ${name}`, () => {
    test('opens as what it was, for each type', async () => {
      const values = { card_number: '4242 4242 4242 4242', phone: '+256771234567', identity_document: 'CM85', bank_account: 'GB29 NWBK', text: 'é'.repeat(600) }
      const key = await keyOf(of)
      for (const [type, value] of Object.entries(values) as [ValueType, string][]) {
        assert.equal(await of.open(await key.seal(type, value), type), value)
      }
    })

    test('is different each time, and as long as any other of its type', async () => {
      const key = await keyOf(of)
      const [one, again, other] = [await key.seal('card_number', '4'), await key.seal('card_number', '4'), await key.seal('card_number', '4'.repeat(126))]
      assert.notEqual(one, again)
      assert.deepEqual([again.length, other.length], [one.length, one.length])
    })
  })
}

suite('a statement is refused', () => {
  const of = readers.hybrid
  const hourMs = 3_600_000
  const { notBeforeMs, notAfterMs } = of.key
  const cases: readonly (readonly [string, () => string, Partial<ExpectedKey>])[] = [
    ['of another custodian: a gateway\'s thief hands out a key of his own', () => of.forgedStatement(), {}],
    ['of another merchant', () => of.statement({ tenant: readers.fips.key.tenant }), {}],
    ['of the other world', () => of.statement({ tenant: { ...of.key.tenant, world: 'live' } }), {}],
    ['of another class', () => of.statement({ retention: 'payment' }), {}],
    ['of a suite that will not do', () => of.statement(), { suites: ['fips'] }],
    ['that has ended', () => of.statement(), { nowMs: notAfterMs }],
    ['that begins later', () => of.statement(), { nowMs: notBeforeMs - 600_001 }],
    ['whose end was put off', () => flipped(of.statement({ notAfterMs: notAfterMs - hourMs / 2 }), 170), { nowMs: notAfterMs - 1 }],
    ['whose public key was changed', () => flipped(of.statement(), 400), {}],
    ['whose signature was changed', () => flipped(of.statement(), -1), {}],
    ['cut short', () => of.statement().slice(0, -4), {}],
    ['of nothing', () => '', {}],
    ['in another base64', () => Buffer.from(of.statement(), 'base64url').toString('base64'), {}],
    ['far too long', () => 'A'.repeat(8_000), {}],
    ['under a pin that is none', () => of.statement(), { statementKey: 'AAAA' }],
  ]
  for (const [what, statement, changes] of cases) {
    test(what, async () => {
      await assert.rejects(VaultKey.verify(statement(), { ...expectedOf(of), ...changes }), (error) => {
        assert.ok(error instanceof SealerError)
        assert.deepEqual([error.code, error.message], ['statement_refused', 'this vault key is not one to seal to'])
        return true
      })
    })
  }

  test('where only hybrid will do by default, and the operator has selected fips', async () => {
    const { suites: _, ...expected } = expectedOf(readers.fips)
    await assert.rejects(VaultKey.verify(readers.fips.statement(), expected), { code: 'statement_refused' })
  })

  test('while a device whose clock is ten minutes behind takes one that has just begun', async () => {
    const key = await VaultKey.verify(of.statement(), { ...expectedOf(of), nowMs: notBeforeMs - 600_000 })
    assert.deepEqual([key.id, key.notAfterMs], [of.key.keyId, notAfterMs])
  })
})

suite('what was sealed does not open', () => {
  const of = readers.hybrid
  test('as another type, for another merchant, world or key, or after any change', async () => {
    const text = await (await keyOf(of)).seal('card_number', '4242424242424242')
    const swapped: readonly (readonly [string, Parameters<VaultReader['open']>[2], ValueType])[] = [
      ['another type', {}, 'phone'],
      ['another merchant', { tenant: readers.fips.key.tenant }, 'card_number'],
      ['the other world', { tenant: { ...of.key.tenant, world: 'live' } }, 'card_number'],
      ['another class', { retention: 'payment' }, 'card_number'],
      ['another key id', { keyId: readers.fips.key.keyId }, 'card_number'],
    ]
    for (const [what, as, type] of swapped) await assert.rejects(of.open(text, type, as), { code: 'envelope/open_refused' }, what)
    for (const at of [40, 1_100, 1_150, 1_160, -1]) {
      await assert.rejects(of.open(flipped(text, at), 'card_number'), { code: 'envelope/open_refused' }, String(at))
    }
  })
})

suite('a value is refused', () => {
  const cases: readonly (readonly [string, ValueType, string])[] = [
    ['that is empty', 'card_number', ''], ['that is too long for its type', 'phone', '1'.repeat(127)],
    ['of a text beyond its bound', 'text', 'é'.repeat(4_096)],
  ]
  for (const [what, type, value] of cases) {
    test(what, async () => {
      const key = await keyOf(readers.hybrid)
      await assert.rejects(key.seal(type, value), (error) => {
        assert.ok(error instanceof SealerError)
        assert.equal(error.code, 'value_refused')
        assert.ok(value === '' || !error.message.includes(value))
        return true
      })
    })
  }
})

suite('bytes', () => {
  test('in base64url come back, and nothing but canonical text is taken', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      assert.equal(encode(bytes), Buffer.from(bytes).toString('base64url'))
      assert.deepEqual(Buffer.from(parseBase64Url(encode(bytes)) ?? ''), Buffer.from(bytes))
    }))
    for (const text of ['A', 'AB', 'AA==', 'A+/A', 'AA A', 'é']) assert.equal(parseBase64Url(text), undefined, text)
  })

  test('that are no list of fields are none', () => {
    for (const hex of ['00', '00000001', 'ffffffff00', '0000000100ff']) {
      assert.equal(parseLengthPrefixed(Uint8Array.from(Buffer.from(hex, 'hex'))), undefined, hex)
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => { parseLengthPrefixed(Uint8Array.from(bytes)) }))
  })
})

/** A text of base64url with one bit of one byte changed. */
function flipped(text: string, at: number): string {
  const bytes = Buffer.from(text, 'base64url')
  const index = at < 0 ? bytes.length + at : at
  bytes[index] = (bytes[index] ?? 0) ^ 1
  return bytes.toString('base64url')
}
