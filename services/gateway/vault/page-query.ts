import { classed, fingerprintPattern } from '@ngome/contracts'
import { z } from 'zod'
import { pageFields } from '../http/page-fields.ts'

export const vaultPageQuerySchema = z.strictObject({
  ...pageFields,
  fingerprint: classed('confidential', z.string().regex(fingerprintPattern)).optional()
    .meta({ description: 'Only tokens that hold this same value.', example: 'fpr_Zm9ydHJlc3MgZ3VhcmRzIQ' }),
})
