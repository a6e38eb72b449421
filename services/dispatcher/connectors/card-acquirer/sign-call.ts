import { createHash, createHmac } from 'node:crypto'
import { equalsInConstantTime, type Secret } from '@ngome/kernel'

export type CallToSign = { readonly atS: number; readonly method: string; readonly path: string; readonly reference: string; readonly body: Uint8Array }

/**
 * Signs a call: HMAC-SHA-256 over its time, method, path, reference and the digest of its body, a line each, so that none of them can
 * be another's (simulators/card-acquirer/README.md, "Who calls").
 * @returns the field `acquirer-signature`
 */
export function signCall(secret: Secret<string>, { atS, method, path, reference, body }: CallToSign): string {
  const digest = createHash('sha256').update(body).digest('hex')
  const signed = [String(atS), method, path, reference, digest].join('\n')
  return `t=${atS},v1=${secret.expose((key) => createHmac('sha256', key).update(signed, 'utf8').digest('hex'))}`
}

/** Whether a callback's claim is the acquirer's own, in constant time. @param signature hexadecimal */
export function isSignedClaim(secret: Secret<string>, claim: string, signature: string): boolean {
  const expected = secret.expose((key) => createHmac('sha256', key).update(`callback\n${claim}`, 'utf8').digest())
  return equalsInConstantTime(expected, Buffer.from(signature, 'hex'))
}
