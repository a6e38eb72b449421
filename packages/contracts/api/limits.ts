import { z } from 'zod'
import { classed } from '../classed.ts'
import { worldSchema } from '../ids.ts'

const whole = z.int().min(0)

/** One limit as it stands now. */
const quota = {
  rate_per_second: classed('internal', whole).meta({ description: 'Tokens that come back each second.' }),
  burst: classed('internal', whole).meta({ description: 'Tokens that there can be at once.' }),
  remaining: classed('internal', whole).meta({ description: 'Whole tokens left, this call paid.' }),
  reset_seconds: classed('internal', whole).meta({ description: 'Seconds until all of them are there again.' }),
}

export const limitsSchema = z.strictObject({
  object: classed('public', z.literal('limits')),
  world: classed('internal', worldSchema),
  key: z.strictObject(quota).meta({ description: 'Of the key that asks.' }),
  merchant: z.strictObject(quota).meta({ description: 'Of all your keys of this world together.' }),
  routes: z.array(z.strictObject({
    operation: classed('public', z.string()),
    cost: classed('public', z.int().min(1)).meta({ description: 'Tokens that one call takes from each of the three.' }),
    ...quota,
  })).meta({ description: 'Of all your keys together, for each operation.' }),
})
export type LimitsView = z.output<typeof limitsSchema>
