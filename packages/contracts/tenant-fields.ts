import { classed } from './classed.ts'
import { idSchema, worldSchema } from './ids.ts'

/** A merchant in one world. */
export const tenantFields = {
  merchant: classed('internal', idSchema('merchant')),
  world: classed('internal', worldSchema),
}
