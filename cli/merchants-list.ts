import { exitCodes, type Command } from './command.ts'
import { allMerchants } from './operator/find-merchant.ts'
import { withDatabase } from './operator/load.ts'
import { printList } from './print-list.ts'

export const merchantsList: Command = {
  name: 'merchants list',
  summary: 'List the merchants, the oldest first.',
  operands: [],
  options: {},
  async run(context, { isJson }) {
    const rows = await withDatabase(context, (db) => Array.fromAsync(allMerchants(db)))
    const views = rows.map(({ id, name, createdAtMs, frozenAtMs, vaultPlaintext, limits }) => ({
      merchant: id, name, createdAt: new Date(createdAtMs).toISOString(),
      frozenAt: frozenAtMs === null ? null : new Date(frozenAtMs).toISOString(), vaultPlaintext, limits,
    }))
    if (isJson) context.out(JSON.stringify(views))
    else printList(context, views, (view) => `${view.merchant}  ${view.createdAt}  ${view.frozenAt === null ? 'active' : 'frozen'}  ${view.name}`,
      'there is no merchant: ngome merchants add')
    return exitCodes.done
  },
}
