import { findAcmeOrders, findStapleState } from '@ngome/store'
import { exitCodes, Misuse, type Command } from './command.ts'
import { withDatabase } from './operator/load.ts'
import { printList } from './print-list.ts'
import { acmeLines, acmeView, servedOrder } from './tls/acme-view.ts'

export const tlsAcmeStatus: Command = {
  name: 'tls acme status',
  summary: 'Say how far each gateway\'s certificate by ACME is, what failed, what is stapled to it, and when it is renewed.',
  operands: [],
  options: {},
  async run(context, { isJson }) {
    const nowMs = context.clock.nowMs()
    const views = await withDatabase(context, async (db, { gateway: { tls: { acme } } }) => {
      if (acme === undefined) throw new Misuse('no certificates are ordered by ACME: set gateway.tls.acme')
      const rows = await findAcmeOrders(db)
      return Promise.all([...new Set(rows.map(({ instance }) => instance))].map(async (instance) => {
        const own = rows.filter((row) => row.instance === instance)
        const digest = servedOrder(own)?.digest
        return acmeView(own, { nowMs, staple: digest === undefined ? undefined : await findStapleState(db, digest) })
      }))
    })
    if (isJson) context.out(JSON.stringify(views))
    else printList(context, views, (view) => acmeLines(view, nowMs), 'no gateway has ordered a certificate yet')
    const present = views.filter(({ isGone }) => !isGone)
    return present.length > 0 && present.every(({ isWell }) => isWell) ? exitCodes.done : exitCodes.failed
  },
}
