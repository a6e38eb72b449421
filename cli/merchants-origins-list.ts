import { listOrigins } from '@ngome/store'
import { exitCodes, type Command } from './command.ts'
import { withDatabase } from './operator/load.ts'
import { originCommand, tenantOf } from './operator/origins.ts'
import { printList } from './print-list.ts'

const [merchant] = originCommand.operands

export const merchantsOriginsList: Command = {
  name: 'merchants origins list',
  summary: 'List the origins whose pages may use a merchant\'s publishable keys.',
  operands: [merchant],
  options: originCommand.options,
  async run(context, given) {
    const tenant = tenantOf(given)
    const origins = await withDatabase(context, (db) => listOrigins(db, tenant))
    if (given.isJson) context.out(JSON.stringify({ ...tenant, origins }))
    else printList(context, origins, (origin) => origin, `${tenant.merchant} has no origin in ${tenant.world}: ngome merchants origins add`)
    return exitCodes.done
  },
}
