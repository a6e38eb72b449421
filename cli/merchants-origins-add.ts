import { emit } from '@ngome/contracts'
import { addOrigin, originsMax } from '@ngome/store'
import type { Command } from './command.ts'
import { withDatabase } from './operator/load.ts'
import { originCommand, originOf, tellOrigin, tenantOf } from './operator/origins.ts'

export const merchantsOriginsAdd: Command = {
  name: 'merchants origins add',
  summary: 'Let the pages of an origin use a merchant\'s publishable keys.',
  ...originCommand,
  async run(context, given) {
    const tenant = tenantOf(given)
    const origin = originOf(given.operands['origin'], tenant.world)
    const event = emit({ ...context, process: 'operator' }, 'merchant.origin_added', tenant, { origin })
    const result = await withDatabase(context, (db) => addOrigin(db, tenant, origin, context.clock.nowMs(), event))
    const sentence = {
      added: `pages of ${origin} may use the publishable keys of ${tenant.merchant} in ${tenant.world}`,
      already: `pages of ${origin} may use them already`,
      unknown: `there is no merchant ${tenant.merchant}`,
      too_many: `${tenant.merchant} has ${originsMax} origins in ${tenant.world}: remove one first`,
    }[result]
    return tellOrigin(context, given, { ...tenant, origin, result }, { isDone: result === 'added' || result === 'already', sentence })
  },
}
