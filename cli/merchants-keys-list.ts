import { listSigningKeys } from '@ngome/store'
import { exitCodes, type Command } from './command.ts'
import { withDatabase } from './operator/load.ts'
import { merchantKeyCommand } from './operator/merchant-keys.ts'
import { tenantOf } from './operator/origins.ts'
import { printList } from './print-list.ts'

export const merchantsKeysList: Command = {
  name: 'merchants keys list',
  summary: 'List a merchant\'s public keys, with what they are for and until when.',
  ...merchantKeyCommand,
  async run(context, given) {
    const tenant = tenantOf(given)
    const rows = await withDatabase(context, (db) => listSigningKeys(db, tenant))
    const views = rows.map(({ id, algorithm, uses, createdAtMs, expiresAtMs, isRevoked }) => ({
      key: id, algorithm, uses, createdAt: new Date(createdAtMs).toISOString(), expiresAt: new Date(expiresAtMs).toISOString(), isRevoked,
    }))
    if (given.isJson) context.out(JSON.stringify(views))
    else printList(context, views, ({ key, algorithm, uses, expiresAt, isRevoked }) => `${key}  ${algorithm}  ${uses.join(',')}  ${isRevoked ? 'revoked' : expiresAt}`,
      `${tenant.merchant} has no such key in ${tenant.world}: ngome merchants keys add, or make`)
    return exitCodes.done
  },
}
