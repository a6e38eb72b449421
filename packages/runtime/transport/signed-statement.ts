import { sign, verify, type KeyObject } from 'node:crypto'
import { parseBase64Url, parseStrictJson, toBase64Url } from '@ngome/kernel'
import type { z } from 'zod'

/** A kind of statement that the custodian signs for readers outside: its JWS type, and what it says. */
export type StatementKind<S extends z.ZodType> = { readonly type: string; readonly schema: S; readonly charactersMax: number }

const bounds = { depthMax: 4, nodesMax: 512 }

/**
 * Separates each kind from the others, and all of them from what else the custodian signs, which begins with a length and
 * never with `{"alg"`.
 */
const headerOf = (type: string): string => toBase64Url(Buffer.from(`{"alg":"EdDSA","typ":"${type}"}`))

/** @returns the statement as a JWS in compact form (RFC 7515 §7.1), in Ed25519 (RFC 8037 §3.1) @throws ZodError where it is none of its kind */
export function signStatement<S extends z.ZodType>({ type, schema }: StatementKind<S>, value: z.output<S>, privateKey: KeyObject): string {
  const input = `${headerOf(type)}.${toBase64Url(Buffer.from(JSON.stringify(schema.parse(value))))}`
  return `${input}.${toBase64Url(sign(null, Buffer.from(input), privateKey))}`
}

/** @returns what the custodian signed, or `undefined` where it did not, or signed another kind of thing */
export function readStatement<S extends z.ZodType>({ type, schema, charactersMax }: StatementKind<S>, statement: string, statementKey: KeyObject): z.output<S> | undefined {
  const parts = statement.length > charactersMax ? [] : statement.split('.')
  const [head, body, signature] = parts
  // The header is compared whole, so that no algorithm is ever read from it (RFC 8725 §3.1).
  if (parts.length !== 3 || head !== headerOf(type) || body === undefined || signature === undefined) return undefined
  const [text, signed] = [parseBase64Url(body), parseBase64Url(signature)]
  if (text === undefined || signed === undefined || !verify(null, Buffer.from(`${head}.${body}`), statementKey, signed)) return undefined
  const json = parseStrictJson(text, bounds)
  const value = json.ok ? schema.safeParse(json.value) : undefined
  return value?.success === true ? value.data : undefined
}
