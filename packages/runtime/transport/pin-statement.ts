import { sign, verify, type KeyObject } from 'node:crypto'
import { pinSetSchema, type PinSet } from '@ngome/contracts'
import { parseBase64Url, parseStrictJson, toBase64Url } from '@ngome/kernel'

/** Separates this from all others that the custodian signs, which begin with a length and never with `{"alg"`. */
const header = toBase64Url(Buffer.from('{"alg":"EdDSA","typ":"ngome-pins+jws"}'))
const statementCharactersMax = 16_384
const bounds = { depthMax: 4, nodesMax: 512 }

/** @returns the set as a JWS in compact form (RFC 7515 §7.1), in Ed25519 (RFC 8037 §3.1) */
export function signPinSet(set: PinSet, privateKey: KeyObject): string {
  const input = `${header}.${toBase64Url(Buffer.from(JSON.stringify(pinSetSchema.parse(set))))}`
  return `${input}.${toBase64Url(sign(null, Buffer.from(input), privateKey))}`
}

/** @returns the set that the custodian signed, or `undefined` where it did not, or signed another kind of thing */
export function readPinSet(statement: string, statementKey: KeyObject): PinSet | undefined {
  const parts = statement.length > statementCharactersMax ? [] : statement.split('.')
  const [head, body, signature] = parts
  // The header is compared whole, so that no algorithm is ever read from it (RFC 8725 §3.1).
  if (parts.length !== 3 || head !== header || body === undefined || signature === undefined) return undefined
  const [text, signed] = [parseBase64Url(body), parseBase64Url(signature)]
  if (text === undefined || signed === undefined || !verify(null, Buffer.from(`${head}.${body}`), statementKey, signed)) return undefined
  const json = parseStrictJson(text, bounds)
  const set = json.ok ? pinSetSchema.safeParse(json.value) : undefined
  return set?.success === true ? set.data : undefined
}
