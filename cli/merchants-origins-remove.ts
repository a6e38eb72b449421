import { emit } from '@ngome/contracts'
import { removeOrigin } from '@ngome/store'
import type { Command } from './command.ts'
import { withDatabase } from './operator/load.ts'
import { originCommand, originOf, tellOrigin, tenantOf } from './operator/origins.ts'

export const merchantsOriginsRemove: Command = {
  name: 'merchants origins remove',
  summary: 'Take an origin back: within seconds no page of it is served.',
  ...originCommand,
  async run(context, given) {
    const tenant = tenantOf(given)
    const origin = originOf(given.operands['origin'], tenant.world)
    const event = emit({ ...context, process: 'operator' }, 'merchant.origin_removed', tenant, { origin })
    const result = await withDatabase(context, (db) => removeOrigin(db, tenant, origin, context.clock.nowMs(), event))
    const sentence = result === 'removed'
      ? `pages of ${origin} are served no more` : `${origin} is not among the origins of ${tenant.merchant} in ${tenant.world}`
    return tellOrigin(context, given, { ...tenant, origin, result }, { isDone: result === 'removed', sentence })
  },
}
