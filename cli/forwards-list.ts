import { toBase64Url } from '@ngome/kernel'
import { listForwardDestinations } from '@ngome/store'
import { exitCodes, type Command } from './command.ts'
import { merchantOrFirst } from './operator/find-merchant.ts'
import { withDatabase } from './operator/load.ts'
import { printList } from './print-list.ts'

export const forwardsList: Command = {
  name: 'forwards list',
  summary: 'List the addresses that a merchant of the test world may forward to.',
  operands: [{ name: 'merchant', about: 'whose; the first merchant\'s where it is left out', isRequired: false }],
  options: {},
  async run(context, { operands, isJson }) {
    const { merchant, rows } = await withDatabase(context, async (db) => {
      const found = await merchantOrFirst(db, operands['merchant'])
      return { merchant: found, rows: await listForwardDestinations(db, { merchant: found, world: 'test' }) }
    })
    const views = rows.map(({ id, url, methods, certificateSha256, authority, expiresAtMs }) => ({
      destination: id, url, methods, expiresAt: new Date(expiresAtMs).toISOString(), hasAuthority: authority !== null,
      certificateSha256: certificateSha256 === null ? null : toBase64Url(certificateSha256),
    }))
    if (isJson) context.out(JSON.stringify(views))
    else printList(context, views, (view) => `${view.destination}  ${view.expiresAt}  ${view.methods.join(',')}  ${view.url}`,
      `${merchant} may forward nowhere: ngome forwards allow`)
    return exitCodes.done
  },
}
