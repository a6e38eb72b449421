import { emit } from '@ngome/contracts'
import { askAcmeRenewal } from '@ngome/store'
import { exitCodes, Misuse, type Command } from './command.ts'
import { withDatabase } from './operator/load.ts'

export const tlsAcmeRenew: Command = {
  name: 'tls acme renew',
  summary: 'Have every gateway order another certificate by ACME now, or try again now what failed.',
  operands: [],
  options: {},
  async run(context, { isJson }) {
    const { clock } = context
    const instances = await withDatabase(context, async (db, { gateway: { tls: { acme } } }) => {
      if (acme === undefined) throw new Misuse('no certificates are ordered by ACME: set gateway.tls.acme')
      return askAcmeRenewal(db, clock.nowMs(), (asked) => emit({ ...context, process: 'operator' }, 'tls.acme_renewal_asked', null, { instances: asked }))
    })
    if (isJson) context.out(JSON.stringify({ instances }))
    else context.out(instances === 0 ? 'no gateway has ordered a certificate yet' : `asked ${instances} of the gateways; see ngome tls acme status`)
    return instances === 0 ? exitCodes.failed : exitCodes.done
  },
}
