import { calculateJwkThumbprint, flattenedVerify, type FlattenedJWSInput, type JWK } from 'jose'
import { z } from 'zod'
import type { Account, Books } from './books.ts'
import { Problem } from './problem.ts'

const part = z.string().regex(/^[A-Za-z0-9_-]*$/)
const jwsSchema = z.strictObject({ protected: part, payload: part, signature: part })
const headerSchema = z.strictObject({
  alg: z.literal('ES256'), nonce: z.string(), url: z.string(),
  kid: z.string().optional(), jwk: z.strictObject({ kty: z.literal('EC'), crv: z.literal('P-256'), x: z.string(), y: z.string() }).optional(),
})

export type SignedRequest = {
  /** `null` of POST-as-GET. */
  readonly payload: unknown
  readonly jwk: JWK
  readonly thumbprint: string
  /** `undefined` where it was signed by a key that it shows. */
  readonly account: Account | undefined
}

/** Checks a request as RFC 8555 §6.2 to §6.5 say: form, address, signature, nonce. @throws Problem */
export async function readSigned(books: Books, base: string, path: string, contentType: string | undefined, body: Buffer): Promise<SignedRequest> {
  if (contentType !== 'application/jose+json') throw new Problem(415, 'malformed', 'not application/jose+json')
  const jws = parse(jwsSchema, body.toString('utf8'))
  const header = parse(headerSchema, Buffer.from(jws.protected, 'base64url').toString('utf8'))
  if (header.url !== base + path) throw new Problem(403, 'unauthorized', 'the url is not this one')
  if ((header.kid === undefined) === (header.jwk === undefined)) throw new Problem(400, 'malformed', 'kid or jwk, one of them')
  const account = header.kid === undefined ? undefined : books.accounts.get(header.kid.slice(`${base}/account/`.length))
  if (header.kid !== undefined && account === undefined) throw new Problem(400, 'accountDoesNotExist', 'no such account')
  const jwk = account?.jwk ?? header.jwk
  if (jwk === undefined) throw new Problem(400, 'malformed', 'no key')
  await verified(jws, jwk)
  if (!books.spendNonce(header.nonce)) throw new Problem(400, 'badNonce', 'a nonce that is not ours, or was spent')
  const text = Buffer.from(jws.payload, 'base64url').toString('utf8')
  return { payload: text === '' ? null : JSON.parse(text) as unknown, jwk, thumbprint: await calculateJwkThumbprint(jwk), account }
}

const bindingHeader = z.strictObject({ alg: z.literal('HS256'), kid: z.string(), url: z.string() })

/** Checks an external account binding (RFC 8555 §7.3.4). @throws Problem */
export async function checkBinding(
  binding: unknown, expected: { readonly keyId: string; readonly macKey: Uint8Array }, jwk: JWK, url: string,
): Promise<void> {
  if (binding === undefined) throw new Problem(403, 'externalAccountRequired', 'bind the account to yours with us')
  const jws = parse(jwsSchema, JSON.stringify(binding))
  const header = parse(bindingHeader, Buffer.from(jws.protected, 'base64url').toString('utf8'))
  const bound = parse(z.record(z.string(), z.unknown()), Buffer.from(jws.payload, 'base64url').toString('utf8'))
  if (header.kid !== expected.keyId || header.url !== url || bound['x'] !== jwk.x || bound['y'] !== jwk.y) throw new Problem(403, 'unauthorized', 'a binding of something else')
  await verified(jws, expected.macKey)
}

async function verified(jws: FlattenedJWSInput, key: JWK | Uint8Array): Promise<void> {
  await flattenedVerify(jws, key).catch((cause: unknown) => {
    throw Object.assign(new Problem(403, 'unauthorized', 'the signature is not right'), { cause })
  })
}

function parse<S extends z.ZodType>(schema: S, text: string): z.output<S> {
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw Object.assign(new Problem(400, 'malformed', 'not of the form that it must have'), { cause })
  }
}
