import { z } from 'zod'
import { answerKeyOperations } from './answer-keys.ts'
import { approvalSchema } from './approvals.ts'
import { forwardMethods } from './api/forwards.ts'
import { classed } from './classed.ts'
import { apiKeyOperations } from './custodian-api-keys.ts'
import { ownKeyOperations } from './custodian-own-keys.ts'
import { signingKeyOperations } from './custodian-signing-keys.ts'
import { staffOperations } from './custodian-staff.ts'
import { pinOperations } from './pin-sets.ts'
import { successorsAwaited } from './destruction-certificates.ts'
import { forwardPrefixLengthMax } from './forward-address.ts'
import { idSchema, paymentIdSchema } from './ids.ts'
import { innerOpeningSchema } from './inner-opening.ts'
import { custodianSecretNames, rotationOperations } from './rotations.ts'
import { tenantFields as tenant } from './tenant-fields.ts'

/**
 * base64url without padding. Whoever decodes it compares what comes back (`parseBase64Url`), which alone shows that it was
 * canonical; decoding here as well cost as much as the rest of a call's schema.
 */
const bytes = z.string().regex(/^[A-Za-z0-9_-]*$/)
const pem = z.string().max(16_384)
/** A certificate's serial number. */
const serialSchema = z.string().regex(/^[0-9a-f]{1,40}$/)

/** How long a merchant's records of one kind must stay readable; one key pair each, so that disposal is by class. */
export const retentionClasses = ['payment', 'credential', 'vault'] as const
export type RetentionClass = (typeof retentionClasses)[number]

/** Why somebody opens a sealed record. Who may, for which class, how old and how often, is the custodian's table. */
export const purposes = [
  'dispatch', 'payout-batch', 'payout-part', 'enquiry', 'webhook-secret', 'callback-hint', 'vault-index', 'forward-template', 'forward', 'charge',
] as const
export type Purpose = (typeof purposes)[number]

/** How old a data key may be for `dispatch`, `payout-part`, `callback-hint` and `vault-index`; older work has purposes of its own. */
export const dispatchAgeMsMax = 72 * 3_600_000

/** Where a key stands in its life; what may follow what is the custodian's to say. */
export const keyStates = ['pending', 'active', 'decrypt-only', 'compromised', 'destroyed'] as const
export type KeyState = (typeof keyStates)[number]

/** A row of the custodian's log, as it is shown. */
const custodianLogRow = z.strictObject({
  sequence: classed('internal', z.int()),
  at: classed('internal', z.iso.datetime()),
  caller: classed('internal', z.string()),
  operation: classed('internal', z.string()),
  outcome: classed('internal', z.enum(['allowed', 'refused'])),
  reason: classed('internal', z.string()),
  subject: classed('internal', z.string()),
})

/** Records in one `open` call; past this the caller should make a second call, and the log two entries. */
export const openRecordsMax = 64
/** Fingerprints that one call takes on: some 8 KB. */
export const fingerprintsMax = 256

/**
 * The custodian's operations: a POST of JSON each, over mutual TLS (only `/v1/enrol` is without a client certificate).
 * A refusal is a problem document with `custodian/refused`; where the request carries a `challenge` it also carries a
 * signed refusal, which proves to a third party that the custodian itself said no.
 */
export const custodianOperations = {
  '/v1/enrol': {
    request: z.strictObject({
      token: classed('restricted', z.string().max(512)),
      csr: classed('internal', pem),
      signer: classed('internal', bytes).nullable(),
    }),
    response: z.strictObject({
      certificate: classed('internal', pem),
      authority: classed('public', pem),
      statementKey: classed('public', bytes),
      signerId: classed('internal', idSchema('signer')).nullable(),
    }),
  },
  '/v1/renew': {
    request: z.strictObject({ csr: classed('internal', pem) }),
    response: z.strictObject({ certificate: classed('internal', pem), authority: classed('public', pem) }),
  },
  '/v1/public-certificate': {
    request: z.strictObject({ csr: classed('internal', pem) }),
    response: z.strictObject({ certificate: classed('public', pem), authority: classed('public', pem) }),
  },
  '/v1/revoke-certificate': {
    request: z.strictObject({
      serial: classed('internal', serialSchema),
      /** Data keys of its signer that are dated before this stay readable; without it only those opened before. */
      since: classed('internal', z.iso.datetime()).optional(),
    }),
    response: z.strictObject({}),
  },
  /** By serial; those that are good now, or all that were ever issued. */
  '/v1/certificates': {
    request: z.strictObject({
      after: classed('internal', serialSchema).nullable(),
      isPresent: classed('internal', z.boolean()),
    }),
    response: z.strictObject({
      certificates: z.array(z.strictObject({
        serial: classed('internal', z.string()),
        kind: classed('internal', z.string()),
        role: classed('internal', z.string()),
        /** Of a gateway's data keys. */
        signer: classed('internal', z.string()).nullable(),
        /** Who enrolled for it with a key of his own. */
        staff: classed('internal', idSchema('staff')).nullable(),
        issuedAt: classed('internal', z.iso.datetime()),
        notAfter: classed('internal', z.iso.datetime()),
        revokedAt: classed('internal', z.iso.datetime()).nullable(),
      })),
    }),
  },
  '/v1/end-signer': {
    request: z.strictObject({}),
    response: z.strictObject({}),
  },
  '/v1/merchants': {
    request: z.strictObject(tenant),
    response: z.strictObject({}),
  },
  '/v1/merchant-keys': {
    request: z.strictObject({ tenants: z.array(z.strictObject(tenant)).max(256) }),
    response: z.strictObject({ statements: z.array(classed('internal', bytes)) }),
  },
  /** Whose keys were replaced before their time since then: a gateway asks this often, and seals to them no more. */
  '/v1/replaced-keys': {
    request: z.strictObject({ since: classed('internal', z.iso.datetime()) }),
    response: z.strictObject({
      /** Ask from here the next time. */
      until: classed('internal', z.iso.datetime()),
      tenants: z.array(z.strictObject(tenant)),
      /** Whether these are all; where they are not, anybody's may have been. */
      isWhole: classed('internal', z.boolean()),
    }),
  },
  '/v1/tenants': {
    request: z.strictObject({ after: classed('internal', idSchema('merchant')).nullable() }),
    response: z.strictObject({ tenants: z.array(z.strictObject(tenant)) }),
  },
  '/v1/secrets': {
    request: z.strictObject({ names: z.array(classed('internal', z.enum(custodianSecretNames))).max(8) }),
    response: z.strictObject({
      secrets: z.array(z.strictObject({
        name: classed('internal', z.enum(custodianSecretNames)),
        version: classed('internal', z.int()),
        value: classed('restricted', bytes),
      })),
    }),
  },
  /** Which versions are alive, the oldest of a name first; a process that has others fetches its secrets anew. */
  '/v1/secret-versions': {
    request: z.strictObject({ names: z.array(classed('internal', z.enum(custodianSecretNames))).max(8) }),
    response: z.strictObject({
      versions: z.array(z.strictObject({
        name: classed('internal', z.enum(custodianSecretNames)),
        version: classed('internal', z.int()),
      })),
    }),
  },
  '/v1/open': {
    request: z.strictObject({
      purpose: classed('internal', z.enum(purposes)),
      dataKeys: z.array(classed('internal', bytes)).min(1).max(openRecordsMax),
      records: z.array(z.strictObject({
        dataKey: classed('internal', z.int().min(0).max(openRecordsMax - 1)),
        context: classed('internal', bytes),
        salt: classed('internal', bytes),
        inner: innerOpeningSchema.optional(),
      })).min(1).max(openRecordsMax),
    }),
    response: z.strictObject({
      keys: z.array(classed('restricted', bytes)),
      /** The keys of what clients sealed, one for each record that came with an `inner`, in their order. */
      innerKeys: z.array(classed('restricted', bytes)).optional(),
    }),
  },
  '/v1/index': {
    request: z.strictObject({ ...tenant, blinded: z.array(classed('restricted', bytes)).min(1).max(openRecordsMax) }),
    response: z.strictObject({
      /** Of the tenant's first index key. */
      indexes: z.array(classed('internal', bytes)),
      /** How many index keys the tenant has: what is kept of the indexes goes on through them. */
      generation: classed('internal', z.int()),
    }),
  },
  /** Takes what is kept of indexes from the key of a generation on to the newest; no value is opened. */
  '/v1/advance-fingerprints': {
    request: z.strictObject({
      ...tenant,
      generation: classed('internal', z.int().min(1)),
      fingerprints: z.array(classed('confidential', bytes)).min(1).max(fingerprintsMax),
      /** How many of older keys there were, these included; `null` where nobody counted. */
      left: classed('internal', z.int().min(0)).nullable(),
    }),
    response: z.strictObject({
      generation: classed('internal', z.int()),
      fingerprints: z.array(classed('confidential', bytes)),
    }),
  },
  /** Whose fingerprints are to be taken on, and to which generation. */
  '/v1/index-rotations': {
    request: z.strictObject({}),
    response: z.strictObject({ rotations: z.array(z.strictObject({ ...tenant, generation: classed('internal', z.int()) })) }),
  },
  '/v1/index-progress': {
    request: z.strictObject({ ...tenant, left: classed('internal', z.int().min(0)) }),
    response: z.strictObject({}),
  },
  ...apiKeyOperations,
  ...staffOperations,
  ...signingKeyOperations,
  ...ownKeyOperations,
  ...pinOperations,
  ...answerKeyOperations,
  /** Derives the key of one payment's record for people, whom the approval names. */
  '/v1/reveal': {
    request: z.strictObject({
      ...tenant,
      payment: classed('internal', paymentIdSchema()),
      dataKey: classed('internal', bytes),
      salt: classed('internal', bytes),
      approval: approvalSchema.optional(),
    }),
    response: z.strictObject({
      key: classed('restricted', bytes),
      staff: z.array(classed('internal', idSchema('staff'))),
    }),
  },
  ...rotationOperations,
  '/v1/destroy-merchant-keys': {
    request: z.strictObject({
      ...tenant,
      /** One key that is no longer active; `null` for all keys of the tenant. */
      key: classed('internal', idSchema('merchantKey')).nullable(),
      approval: approvalSchema,
    }),
    response: z.strictObject({
      destruction: classed('internal', idSchema('destruction')),
      dueAt: classed('internal', z.iso.datetime()),
      /** What it waits for besides its date; `null` where it begins by itself. */
      awaits: classed('internal', z.enum(successorsAwaited)).nullable(),
    }),
  },
  '/v1/cancel-destruction': {
    request: z.strictObject({ id: classed('internal', idSchema('destruction')) }),
    response: z.strictObject({}),
  },
  '/v1/destructions': {
    request: z.strictObject({}),
    response: z.strictObject({
      destructions: z.array(z.strictObject({
        id: classed('internal', idSchema('destruction')),
        ...tenant,
        key: classed('internal', idSchema('merchantKey')).nullable(),
        state: classed('internal', z.enum(['waiting', 'cancelled', 'deleted', 'done'])),
        approvedBy: classed('internal', z.array(idSchema('staff'))),
        requestedAt: classed('internal', z.iso.datetime()),
        dueAt: classed('internal', z.iso.datetime()),
        /** What one that waits is waiting for besides its date. */
        awaits: classed('internal', z.enum(successorsAwaited)).nullable(),
        /** JSON of a signed certificate; `null` until the old root is gone. */
        certificate: classed('internal', z.string()).nullable(),
      })),
    }),
  },
  '/v1/key-inventory': {
    request: z.strictObject({
      after: z.strictObject({ purpose: classed('internal', z.string()), name: classed('internal', z.string()) }).nullable(),
    }),
    response: z.strictObject({
      root: z.strictObject({
        id: classed('internal', z.string()),
        name: classed('internal', z.string()),
        isProtected: classed('internal', z.boolean()),
        ageSMax: classed('internal', z.int()),
      }),
      keys: z.array(z.strictObject({
        purpose: classed('internal', z.string()),
        name: classed('internal', z.string()),
        tenant: classed('internal', z.string()).nullable(),
        /** Of a merchant key, as its statement has it. */
        suite: classed('internal', z.string()).nullable(),
        state: classed('internal', z.enum(keyStates)),
        createdAt: classed('internal', z.iso.datetime()),
        activeAt: classed('internal', z.iso.datetime()).nullable(),
        decryptOnlyAt: classed('internal', z.iso.datetime()).nullable(),
        compromisedAt: classed('internal', z.iso.datetime()).nullable(),
        destroyedAt: classed('internal', z.iso.datetime()).nullable(),
        /** When it is replaced by policy; `null` where nothing will. */
        nextRotationAt: classed('internal', z.iso.datetime()).nullable(),
      })),
    }),
  },
  '/v1/forward-destination': {
    request: z.strictObject({
      ...tenant,
      destination: classed('internal', idSchema('forwardDestination')),
      url: classed('internal', z.string().max(forwardPrefixLengthMax)),
      methods: z.array(classed('internal', z.enum(forwardMethods))).min(1).max(forwardMethods.length),
      /** SHA-256 of the public key in the destination's certificate (DER, SubjectPublicKeyInfo). */
      certificateSha256: classed('internal', bytes.length(43)).nullable(),
      /** Trusted in place of the system's authorities. */
      authority: classed('internal', pem).nullable(),
      expires: classed('internal', z.iso.datetime()),
    }),
    response: z.strictObject({ proof: classed('internal', bytes) }),
  },
  /** Of the log only what somebody should hear about (`custodianEventOf`), so that it becomes events. */
  '/v1/alarms': {
    request: z.strictObject({ after: classed('internal', z.int().min(0)) }),
    response: z.strictObject({
      /** SHA-256 leaf of the row `after`, by which the caller knows the log again; `null` where it has no such row. */
      known: classed('internal', bytes).nullable(),
      /** The last row that this answer has looked at; `null` where none follows. */
      until: z.strictObject({
        sequence: classed('internal', z.int()), leaf: classed('internal', bytes), at: classed('internal', z.iso.datetime()),
      }).nullable(),
      entries: z.array(custodianLogRow),
    }),
  },
  '/v1/openings': {
    request: z.strictObject({
      after: classed('internal', z.int().min(0)),
      /** Asks for a signed checkpoint of the present log, and for proofs within it. */
      prove: z.strictObject({
        /** The size of a checkpoint that the caller kept: is the log still its continuation? */
        since: classed('internal', z.int().min(0)).optional(),
        /** A row that the caller was shown: is it in there? */
        sequence: classed('internal', z.int().min(1)).optional(),
      }).optional(),
    }),
    response: z.strictObject({
      entries: z.array(custodianLogRow),
      proof: z.strictObject({
        /** c2sp.org/tlog-checkpoint, signed with the statement key; its origin is `custodianLogOrigin`. */
        checkpoint: classed('internal', z.string()),
        /** Hashes, 32 bytes each; null where it was not asked for, or the log is too short: somebody rewound it. */
        consistency: z.array(classed('internal', bytes)).nullable(),
        inclusion: z.array(classed('internal', bytes)).nullable(),
      }).optional(),
    }),
  },
} as const

export type CustodianPath = keyof typeof custodianOperations
export type CustodianRequest<P extends CustodianPath> = z.input<(typeof custodianOperations)[P]['request']>
export type CustodianResponse<P extends CustodianPath> = z.output<(typeof custodianOperations)[P]['response']>

/** The header with which a caller asks that a refusal be signed: 16 to 64 bytes, base64url. */
export const challengeHeader = 'ngome-challenge'

/** What the custodian signs when it refuses a call that carried a challenge (Ed25519 over the UTF-8 of `statement`). */
export const signedRefusalSchema = z.strictObject({
  statement: classed('internal', z.string()),
  signature: classed('internal', bytes),
})
export const refusalStatementSchema = z.strictObject({
  challenge: classed('internal', z.string()),
  caller: classed('internal', z.string()),
  operation: classed('internal', z.string()),
  reason: classed('internal', z.string()),
  at: classed('internal', z.iso.datetime()),
})
