import { listApiKeys } from '@ngome/store'
import { exitCodes, type Command } from './command.ts'
import { merchantOrFirst } from './operator/find-merchant.ts'
import { withDatabase } from './operator/load.ts'

export const keysList: Command = {
  name: 'keys list',
  summary: 'List a merchant\'s API keys of the test world, by their first characters, with the pepper that each hangs on.',
  operands: [{ name: 'merchant', about: 'whose keys; the first merchant\'s where it is left out', isRequired: false }],
  options: {},
  async run(context, { operands, isJson }) {
    const rows = await withDatabase(context, async (db) => (
      listApiKeys(db, { merchant: await merchantOrFirst(db, operands['merchant']), world: 'test' })
    ))
    const views = rows.map(({ id, hint, createdAtMs, revokedAtMs, pepperVersion }) => ({
      key: id, hint, pepperVersion, createdAt: new Date(createdAtMs).toISOString(),
      revokedAt: revokedAtMs === null ? null : new Date(revokedAtMs).toISOString(),
    }))
    if (isJson) context.out(JSON.stringify(views))
    else for (const view of views) context.out(`${view.key}  ${view.createdAt}  ${view.revokedAt === null ? 'valid  ' : 'revoked'}  pepper ${view.pepperVersion}  ${view.hint}`)
    return exitCodes.done
  },
}
