import { z } from 'zod'
import { classed } from './classed.ts'
import { idSchema } from './ids.ts'
import { tenantFields as tenant } from './tenant-fields.ts'

export const custodianSecretNames = ['api-pepper', 'index-outer', 'idempotency', 'callback'] as const
export type CustodianSecretName = (typeof custodianSecretNames)[number]
/** Secrets that are replaced by a next version, on demand and by policy. */
export const rotatableSecretNames = ['api-pepper'] as const satisfies readonly CustodianSecretName[]
export type RotatableSecretName = (typeof rotatableSecretNames)[number]

/** What a rotation replaces. */
export const rotationLevels = ['root', 'merchant', 'secret', 'authority', 'index'] as const
export type RotationLevel = (typeof rotationLevels)[number]

/** The custodian's operations that replace keys. */
export const rotationOperations = {
  '/v1/rotate-root-key': {
    request: z.strictObject({}),
    response: z.strictObject({ rotation: classed('internal', idSchema('rotation')) }),
  },
  '/v1/rotate-merchant-keys': {
    request: z.strictObject({
      ...tenant,
      /** The present keys are known to others: those published ahead are replaced as well. */
      compromised: classed('internal', z.boolean()),
    }),
    response: z.strictObject({ rotation: classed('internal', idSchema('rotation')) }),
  },
  '/v1/rotate-authority': {
    /** `compromised`: others have the key, and whoever does not follow within minutes is left behind. */
    request: z.strictObject({ compromised: classed('internal', z.boolean()) }),
    response: z.strictObject({ rotation: classed('internal', idSchema('rotation')) }),
  },
  '/v1/rotate-index-key': {
    request: z.strictObject({
      ...tenant,
      /** Others know the present one. */
      compromised: classed('internal', z.boolean()),
    }),
    response: z.strictObject({ rotation: classed('internal', idSchema('rotation')) }),
  },
  '/v1/rotate-secret': {
    request: z.strictObject({
      name: classed('internal', z.enum(rotatableSecretNames)),
      /** Others know the present version. */
      compromised: classed('internal', z.boolean()),
      /** When the versions before end, whatever hangs on them; `null` as the policy says. */
      endAt: classed('internal', z.iso.datetime()).nullable(),
    }),
    response: z.strictObject({ rotation: classed('internal', idSchema('rotation')) }),
  },
  '/v1/rotations': {
    request: z.strictObject({}),
    response: z.strictObject({
      rotations: z.array(z.strictObject({
        id: classed('internal', idSchema('rotation')),
        level: classed('internal', z.enum(rotationLevels)),
        subject: classed('internal', z.string()),
        cause: classed('internal', z.enum(['demand', 'policy', 'compromise', 'destruction'])),
        state: classed('internal', z.enum(['running', 'done'])),
        total: classed('internal', z.int()),
        done: classed('internal', z.int()),
        /** Of a secret: when what still hangs on the version before stops working. */
        endsAt: classed('internal', z.iso.datetime()).nullable(),
        startedAt: classed('internal', z.iso.datetime()),
        endedAt: classed('internal', z.iso.datetime()).nullable(),
      })),
    }),
  },
} as const
