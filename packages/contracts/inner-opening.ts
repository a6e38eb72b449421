import { z } from 'zod'
import { vaultTokenTypes } from './api/vault.ts'
import { classed } from './classed.ts'
import { idSchema } from './ids.ts'

/** The longest encapsulated secret of any suite (1,120 bytes), in base64url. */
const encLengthMax = 1_500

/** What a client sealed by itself within a record that is opened: its encapsulated secret, and nothing of its ciphertext. */
export const innerOpeningSchema = z.strictObject({
  merchantKey: classed('internal', idSchema('merchantKey')),
  type: classed('internal', z.enum(vaultTokenTypes)),
  enc: classed('internal', z.base64url().max(encLengthMax)),
})
export type InnerOpening = z.output<typeof innerOpeningSchema>
