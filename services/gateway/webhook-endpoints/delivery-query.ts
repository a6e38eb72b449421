import { classed, webhookDeliveryStates } from '@ngome/contracts'
import { z } from 'zod'
import { pageFields } from '../http/page-fields.ts'

export const deliveryQuerySchema = z.strictObject({
  ...pageFields,
  state: classed('internal', z.enum(webhookDeliveryStates)).optional().meta({ description: 'Only of this state.', example: 'given_up' }),
})
