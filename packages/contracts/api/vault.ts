import { z } from 'zod'
import { classed } from '../classed.ts'
import { idSchema, worldSchema } from '../ids.ts'

export const vaultTokenTypes = ['card_number', 'phone', 'identity_document', 'bank_account', 'text'] as const
export type VaultTokenType = (typeof vaultTokenTypes)[number]

/** What one token may hold: a document's number many times over, or a page of text. */
export const vaultValueLengthMax = 4_096
export const vaultMetadataKeysMax = 16
export const vaultMetadataValueLengthMax = 256
/** Items of one batch: a few hundred milliseconds of work and some 100 KiB. */
export const vaultBatchMax = 500

/** The longest of what clients seal, a text of 8 KiB in the hybrid suite (9,360 bytes), in base64url. */
export const sealedValueLengthMax = 12_480

/**
 * `active`: it holds a value of its type. `pending`: a client sealed it, and nobody could look yet. `invalid`: what was
 * sealed is no value of its type, or cannot be opened.
 */
export const vaultTokenStatuses = ['pending', 'active', 'invalid'] as const
export type VaultTokenStatus = (typeof vaultTokenStatuses)[number]

/** `pending`: it is computed after acceptance. `unavailable`: what was sealed could not be read. */
export const fingerprintStatuses = ['pending', 'computed', 'unavailable'] as const
export type FingerprintStatus = (typeof fingerprintStatuses)[number]

const metadataName = /^[a-z][a-z0-9_]{0,39}$/

/** Names are the merchant's own words, so that an error points at the whole: a wrong name is not echoed. */
const metadata = classed('confidential', z.record(z.string(), z.unknown()).refine(isMetadata).transform((map) => map as Metadata))
  .meta({
    description: `Up to ${vaultMetadataKeysMax} flat strings of yours, kept in clear: never put the value or a card number here.`,
    example: { customer: 'c-1042' },
  })
export type Metadata = Readonly<Record<string, string>>

export const createVaultTokenSchema = z.strictObject({
  type: classed('internal', z.enum(vaultTokenTypes)).meta({ description: 'What the value is.', example: 'card_number' }),
  value: classed('restricted', z.string().min(1).max(vaultValueLengthMax)).optional()
    .meta({
      description: 'What nobody should read. No call of this API returns it. Send this or `sealed`.', example: '4242 4242 4242 4242',
    }),
  sealed: classed('restricted', z.string().min(1).max(sealedValueLengthMax)).optional()
    .meta({
      description: 'The value as its client sealed it to a key of `GET /v1/vault/keys` (docs/vault-sealing.md), in base64url. Its mask and network come later, from who may look.',
    }),
  expires_at: classed('internal', z.iso.datetime()).optional()
    .meta({ description: 'After this moment the token is as if it had never been.', example: '2027-11-22T00:00:00Z' }),
  metadata: metadata.optional(),
})
export type CreateVaultToken = z.output<typeof createVaultTokenSchema>

export const vaultTokenSchema = z.strictObject({
  id: classed('internal', idSchema('vaultToken')),
  object: classed('public', z.literal('vault_token')),
  world: classed('internal', worldSchema),
  type: classed('internal', z.enum(vaultTokenTypes)),
  status: classed('internal', z.enum(vaultTokenStatuses)).meta({
    description: '`pending` until a value that was sealed by its client was looked at: moments, as a rule. `invalid` where it is none of its type; delete it, and ask for the value again.',
  }),
  network: classed('internal', z.string()).nullable().meta({ description: 'The card\'s network, where it is a card of a range that we know.' }),
  masked: classed('internal', z.string()).nullable().meta({ description: 'What may be shown: a card\'s last four digits, a phone\'s country and last three.', example: '•••• 4242' }),
  fingerprint: z.strictObject({
    status: classed('internal', z.enum(fingerprintStatuses)),
    value: classed('confidential', z.string()).nullable()
      .meta({ description: 'The same for equal values of one type of yours, and for nobody else\'s. What stands before the underscore is the key\'s number: while it is replaced, and with what you kept from before, only fingerprints that begin alike can be compared.', example: 'fpr_Zm9ydHJlc3MgZ3VhcmRzIQ' }),
  }),
  metadata: classed('confidential', z.record(z.string(), z.string())),
  created_at: classed('internal', z.iso.datetime()),
  expires_at: classed('internal', z.iso.datetime()).nullable(),
})
export type VaultTokenView = z.output<typeof vaultTokenSchema>

export const vaultTokenPageSchema = z.strictObject({
  object: classed('public', z.literal('list')),
  data: z.array(vaultTokenSchema),
  next_cursor: classed('internal', z.string()).nullable(),
})

/**
 * What is sealed of a token, all together: a row whose type or expiry was changed does not say what was sealed. The
 * JSON is padded with spaces, so that a row does not tell how long its value is.
 */
export const sealedVaultTokenSchema = z.strictObject({
  type: classed('restricted', z.enum(vaultTokenTypes)),
  /** Normalised. */
  value: classed('restricted', z.string().min(1)).optional(),
  /** In place of the value: what its client sealed, base64url. */
  client_sealed: classed('restricted', z.base64url().min(1)).optional(),
  expires_at: classed('restricted', z.iso.datetime()).nullable(),
})
export type SealedVaultToken = z.output<typeof sealedVaultTokenSchema>

/** Texts have the longer form of what clients seal, and only they. */
export function isClientSealedForm(type: VaultTokenType, isLong: boolean): boolean {
  return isLong === (type === 'text')
}

function isMetadata(map: Readonly<Record<string, unknown>>): boolean {
  const entries = Object.entries(map)
  return entries.length <= vaultMetadataKeysMax && entries.every(([name, value]) =>
    metadataName.test(name) && typeof value === 'string' && value.length <= vaultMetadataValueLengthMax)
}

/** Items are checked one by one, each by the schema of a single token: one that is refused keeps no other out. */
export const createVaultTokensSchema = z.strictObject({
  tokens: classed('restricted', z.array(z.record(z.string(), z.unknown())).min(1).max(vaultBatchMax))
    .meta({ description: `Up to ${vaultBatchMax}, each as for a single token.` }),
})

/** The keys that a client may seal values to now. */
export const vaultKeysSchema = z.strictObject({
  object: classed('public', z.literal('list')),
  data: z.array(z.strictObject({
    id: classed('internal', idSchema('merchantKey')),
    object: classed('public', z.literal('vault_key')),
    suite: classed('internal', z.string()).meta({ description: 'How values are sealed to it.', example: 'hybrid' }),
    not_before: classed('internal', z.iso.datetime()),
    not_after: classed('internal', z.iso.datetime()).meta({ description: 'From this moment on values sealed to it are not taken.' }),
    statement: classed('internal', z.base64url()).meta({
      description: 'What the custodian signed of the key, the key with it. Believe nothing else here: check its signature with the statement key that the operator gave you by another way, then that merchant, world, class (`vault`), suite and dates are what you expect. The sealer does all of that.',
    }),
  })),
})
export type VaultKeys = z.output<typeof vaultKeysSchema>

export const vaultBatchSchema = z.strictObject({
  object: classed('public', z.literal('vault_batch')),
  results: z.array(z.strictObject({
    id: classed('internal', idSchema('vaultToken')).nullable().meta({ description: 'The token, or `null` where the item was refused.' }),
    error: z.strictObject({ pointer: classed('public', z.string()), detail: classed('public', z.string()) }).nullable()
      .meta({ description: 'The first field that was refused, within the item.' }),
  })).meta({ description: 'One for each item, in their order.' }),
})
export type VaultBatch = z.output<typeof vaultBatchSchema>
