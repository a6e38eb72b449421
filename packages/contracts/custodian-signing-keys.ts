import { z } from 'zod'
import { classed } from './classed.ts'
import { idSchema } from './ids.ts'
import { tenantFields as tenant } from './tenant-fields.ts'

/** What a merchant's key is for: its requests, or what is sent to it. */
export const signingKeyUses = ['sign', 'encrypt'] as const
export type SigningKeyUse = (typeof signingKeyUses)[number]
/** RFC 9421 §3.3.1 and §3.3.6. */
export const signingKeyAlgorithms = ['rsa-pss-sha512', 'ed25519'] as const
export type SigningKeyAlgorithm = (typeof signingKeyAlgorithms)[number]

/** base64url of 2048 bytes, which hold an RSA key of 8192 bits. */
const spki = z.string().regex(/^[A-Za-z0-9_-]*$/).max(2_731)

/** The custodian's operations about merchants' public keys. */
export const signingKeyOperations = {
  /** States that a public key is a merchant's, in one world, for these uses. Nobody believes a row without it. */
  '/v1/merchant-signing-key': {
    request: z.strictObject({
      ...tenant,
      key: classed('internal', idSchema('merchantSigningKey')),
      /** The public key by itself (DER, SubjectPublicKeyInfo), or a certificate request (PKCS #10), which proves that its sender has the private half. */
      from: z.union([
        z.strictObject({ spki: classed('public', spki) }), z.strictObject({ request: classed('internal', z.string().max(16_384)) }),
      ]),
      uses: z.array(classed('internal', z.enum(signingKeyUses))).min(1).max(signingKeyUses.length),
      expires: classed('internal', z.iso.datetime()),
    }),
    response: z.strictObject({
      algorithm: classed('internal', z.enum(signingKeyAlgorithms)),
      spki: classed('public', spki),
      proof: classed('internal', z.string().regex(/^[A-Za-z0-9_-]{86}$/)),
    }),
  },
  /** Whether a key that was stated for this tenant was revoked since; `unknown` is one that was not. */
  '/v1/merchant-signing-key-state': {
    request: z.strictObject({ ...tenant, key: classed('internal', idSchema('merchantSigningKey')) }),
    response: z.strictObject({ state: classed('internal', z.enum(['stands', 'revoked', 'unknown'])) }),
  },
} as const
