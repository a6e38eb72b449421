import { z } from 'zod'
import { apiKeySettingsSchema } from './api-key-settings.ts'
import { classed } from './classed.ts'
import { apiKeyOperations } from './custodian-api-keys.ts'
import { signingKeyAlgorithms, signingKeyUses } from './custodian-signing-keys.ts'
import { idSchema } from './ids.ts'
import { tenantFields as tenant } from './tenant-fields.ts'

const bytes = (lengthMax: number) => z.string().regex(/^[A-Za-z0-9_-]*$/).max(lengthMax)
const shown = apiKeyOperations['/v1/end-api-key'].request

/** Of a request for a key: settings with 32 addresses and all caps are some 6 KB. */
export const ownKeyBodyBytesMax = 16_384

/** The custodian's operations about keys that merchants make and revoke by themselves. */
export const ownKeyOperations = {
  /**
   * Makes an API key because its merchant signed a request for it (RFC 9421), and for nothing else: what the key may do is
   * read from the signed body, and the gateway, which carries both, is not believed. With `rolled`, the row of the key that
   * the signed path names: its successor may do the same, and its own end is signed as well.
   */
  '/v1/own-api-key': {
    request: z.strictObject({
      ...tenant,
      signed: z.strictObject({
        method: classed('internal', z.string().max(8)),
        target: classed('internal', z.string().max(128)),
        host: classed('internal', z.string().max(260)),
        body: classed('internal', bytes(Math.ceil(ownKeyBodyBytesMax * 4 / 3))),
        contentDigest: classed('internal', z.string().max(256)),
        idempotencyKey: classed('internal', z.string().max(255)),
        signatureInput: classed('internal', z.string().max(1_024)),
        signature: classed('internal', z.string().max(1_600)),
      }),
      /** The merchant's public key as the custodian stated it. */
      signingKey: z.strictObject({
        id: classed('internal', idSchema('merchantSigningKey')),
        algorithm: classed('internal', z.enum(signingKeyAlgorithms)),
        spki: classed('public', bytes(2_731)),
        uses: z.array(classed('internal', z.enum(signingKeyUses))).min(1).max(signingKeyUses.length),
        expires: classed('internal', z.iso.datetime()),
        proof: classed('internal', bytes(86)),
      }),
      key: classed('internal', idSchema('apiKey')),
      digest: classed('restricted', bytes(64)),
      rolled: shown.omit({ merchant: true, world: true, endsAt: true }).nullable(),
    }),
    response: z.strictObject({
      statement: apiKeyOperations['/v1/api-key-verifier'].response,
      settings: apiKeySettingsSchema,
      /** Of the key that was rolled. */
      ended: apiKeyOperations['/v1/end-api-key'].response.nullable(),
    }),
  },
  /** From now on nothing that this key signed makes a key, and nothing is told encrypted to it. Gateways hear of it from the database. */
  '/v1/revoke-merchant-signing-key': {
    request: z.strictObject({ ...tenant, key: classed('internal', idSchema('merchantSigningKey')) }),
    response: z.strictObject({}),
  },
} as const
