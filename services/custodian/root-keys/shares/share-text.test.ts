import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { formatShare, parseShare, type Share } from './share-text.ts'

const share = (value: Uint8Array = randomBytes(32)): Share => ({ set: '0123456789ab', threshold: 3, index: 200, value })
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/** A text of these bytes, with a right checksum, as who knows the format would forge it. */
function textOf(body: Uint8Array): Buffer {
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(body))
  const bits = Array.from(Buffer.concat([body, sum]), (byte) => byte.toString(2).padStart(8, '0')).join('')
  return Buffer.from((bits.match(/.{5}/g) ?? []).map((five) => alphabet[Number.parseInt(five, 2)]).join(''))
}

function bodyOf({ version = 1, threshold = 3, index = 200 }): Buffer {
  return Buffer.concat([Buffer.of(version), Buffer.from('0123456789ab', 'hex'), Buffer.of(threshold, index), Buffer.alloc(32, 7)])
}

test('a share is read back as it was written, however it was typed', () => {
  fc.assert(fc.property(
    fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.integer({ min: 2, max: 16 }), fc.integer({ min: 1, max: 255 }),
    (value, threshold, index) => {
      const text = Buffer.from(formatShare({ set: 'fedcba987654', threshold, index, value })).toString()
      assert.match(text, /^[0-9a-hjkmnp-tv-z]{6}(?:-[0-9a-hjkmnp-tv-z]{6}){11}$/)
      for (const typed of [
        text, text.toUpperCase(), text.replaceAll('-', ''), ` ${text.replaceAll('-', ' \t')}\r\n`,
        text.replaceAll('0', 'o').replaceAll('1', 'L'), text.replaceAll('1', 'i'),
      ]) {
        const parsed = parseShare(Buffer.from(typed))
        assert.ok(parsed.ok)
        assert.deepEqual({ ...parsed.share, value: [...parsed.share.value] }, { set: 'fedcba987654', threshold, index, value: [...value] })
      }
    },
  ))
})

test('a share of which one bit, one character, or two neighbours are wrong is malformed', () => {
  const text = Buffer.from(formatShare(share())).toString().replaceAll('-', '')
  const isMalformed = (typed: string): void => {
    assert.deepEqual(parseShare(Buffer.from(typed)), { ok: false, reason: 'malformed' })
  }
  for (let at = 0; at < text.length; at++) {
    for (const other of alphabet) if (other !== text[at]) isMalformed(text.slice(0, at) + other + text.slice(at + 1))
    const swapped = text.slice(0, at) + (text[at + 1] ?? '') + (text[at] ?? '') + text.slice(at + 2)
    if (swapped !== text) isMalformed(swapped)
  }
})

test('what is no share is malformed: too short, too long, with characters of another alphabet, or anything at all', () => {
  const text = Buffer.from(formatShare(share())).toString()
  for (const typed of ['', text.slice(1), `${text}0`, text.replace(/^./, 'u'), text.replace(/^./, 'é'), text.replaceAll('-', '_'), text + text]) {
    assert.deepEqual(parseShare(Buffer.from(typed)), { ok: false, reason: 'malformed' }, typed.length.toString())
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => assert.ok(!parseShare(bytes).ok)))
})

test('with a right checksum: another version is named, a threshold below two and an index of zero are malformed', () => {
  assert.equal(parseShare(textOf(bodyOf({}))).ok, true)
  assert.deepEqual(parseShare(textOf(bodyOf({ version: 2 }))), { ok: false, reason: 'other_version' })
  assert.deepEqual(parseShare(textOf(bodyOf({ threshold: 1 }))), { ok: false, reason: 'malformed' })
  assert.deepEqual(parseShare(textOf(bodyOf({ index: 0 }))), { ok: false, reason: 'malformed' })
})
