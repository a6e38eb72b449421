import { z } from 'zod'
import { approvalSchema, staffNameSchema } from './approvals.ts'
import { classed } from './classed.ts'
import { idSchema } from './ids.ts'

/** base64url without padding; whoever decodes it sees whether it was canonical. */
const bytes = z.string().regex(/^[A-Za-z0-9_-]*$/)
/** An Ed25519 signature (RFC 8032), 64 bytes in base64url. */
const signature = bytes.length(86)

/** The custodian's operations about people: who may approve, and what they have approved. */
export const staffOperations = {
  /** The first person needs nobody's approval; later ones two others', or one while there is one. */
  '/v1/admit-staff': {
    request: z.strictObject({
      name: classed('internal', staffNameSchema),
      publicKey: classed('internal', bytes),
      /** By that key, over `staffAdmissionBytes`. */
      proof: classed('internal', signature),
      approval: approvalSchema.optional(),
    }),
    response: z.strictObject({ staff: classed('internal', idSchema('staff')) }),
  },
  '/v1/retire-staff': {
    request: z.strictObject({ staff: classed('internal', idSchema('staff')), approval: approvalSchema.optional() }),
    response: z.strictObject({}),
  },
  '/v1/staff': {
    request: z.strictObject({}),
    response: z.strictObject({
      staff: z.array(z.strictObject({
        id: classed('internal', idSchema('staff')),
        name: classed('internal', z.string()),
        publicKey: classed('internal', bytes),
        admittedBy: z.array(classed('internal', idSchema('staff'))),
        admittedAt: classed('internal', z.iso.datetime()),
        retiredAt: classed('internal', z.iso.datetime()).nullable(),
      })),
    }),
  },
  /** Approvals that were used, the oldest first, whole: with the keys of `/v1/staff` anybody can check them again. */
  '/v1/approvals': {
    request: z.strictObject({
      after: z.strictObject({
        usedAt: classed('internal', z.iso.datetime()), nonce: classed('internal', z.string().max(64)),
      }).nullable(),
    }),
    response: z.strictObject({
      approvals: z.array(z.strictObject({
        nonce: classed('internal', z.string()),
        usedAt: classed('internal', z.iso.datetime()),
        /** The text that was signed (`parseApprovalRequest`). */
        request: classed('internal', z.string()),
        signatures: z.array(z.strictObject({
          staff: classed('internal', z.string()), signature: classed('internal', z.string()),
        })),
      })),
    }),
  },
} as const
