import { createHmac } from 'node:crypto'
import { equalsInConstantTime, parseStrictJson, type Secret } from '@ngome/kernel'

const bounds = { depthMax: 8, nodesMax: 64 }
const hashPattern = /^[A-Za-z0-9+/]{43}=$/

/**
 * Reads a callback whose hash is right: base64 of HMAC-SHA-256 over the member `transaction`. How that is serialised is
 * documented nowhere, so that it is computed over the bytes as they came.
 * @returns the member `transaction`, or `undefined` for anything else than a callback of who holds the key
 */
export function provenTransaction(body: Uint8Array, key: Secret<string>): unknown {
  const json = parseStrictJson(body, bounds)
  if (!json.ok || typeof json.value !== 'object' || json.value === null || !('transaction' in json.value) || !('hash' in json.value)) return undefined
  const { hash, transaction } = json.value
  const bytes = rawMember(body, 'transaction')
  if (typeof hash !== 'string' || !hashPattern.test(hash) || bytes === undefined) return undefined
  const expected = key.expose((text) => createHmac('sha256', text).update(bytes).digest())
  return equalsInConstantTime(expected, Buffer.from(hash, 'base64')) ? transaction : undefined
}

/** The bytes of a member of the outermost object, of JSON that has been found to be strict, so without a second of the name. */
export function rawMember(json: Uint8Array, name: string): Uint8Array | undefined {
  const text = Buffer.from(json).toString('latin1')
  let depth = 0
  let valueStart = -1
  let key: string | undefined
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at)
    if (character === '"') {
      const end = endOfText(text, at)
      if (depth === 1 && key === undefined) key = text.slice(at + 1, end)
      at = end
    } else if (character === ':' && depth === 1 && valueStart < 0) {
      valueStart = at + 1
    } else if (depth === 1 && (character === ',' || character === '}')) {
      if (key === name) return trimmed(json, text, valueStart, at)
      key = undefined
      valueStart = -1
      if (character === '}') return undefined
    } else if (character === '{' || character === '[') {
      depth++
    } else if (character === '}' || character === ']') {
      depth--
    }
  }
  return undefined
}

function endOfText(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text.charAt(at) === '\\') at++
    else if (text.charAt(at) === '"') return at
  }
  return text.length
}

function trimmed(json: Uint8Array, text: string, start: number, end: number): Uint8Array {
  const value = text.slice(start, end)
  const lead = value.length - value.trimStart().length
  return json.subarray(start + lead, start + lead + value.trim().length)
}
