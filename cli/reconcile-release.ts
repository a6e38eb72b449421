import { emit } from '@ngome/contracts'
import { newId, parseMoney, type Tenant } from '@ngome/kernel'
import type { AdjustmentKind } from '@ngome/payments'
import { releaseSuspense } from '@ngome/store'
import { exitCodes, Misuse, type Command } from './command.ts'
import { merchantId } from './operator/find-merchant.ts'
import { withDatabase } from './operator/load.ts'
import { byOption, noteOf, whoOf } from './reconcile/who.ts'

/** Where money in suspense can turn out to belong, and from where what is missing there can come. */
const kinds: Readonly<Record<string, AdjustmentKind>> = {
  'to-merchant': 'suspense_to_merchant', 'to-fees': 'suspense_to_fees', 'to-debt': 'suspense_to_debt', 'to-network': 'suspense_out',
  'from-merchant': 'suspense_from_merchant', 'from-fees': 'suspense_from_fees', 'from-debt': 'suspense_from_debt', 'from-network': 'suspense_in',
}

export const reconcileRelease: Command = {
  name: 'reconcile release',
  summary: 'Take money out of suspense to whom it belongs, or fill what is missing there: no more than waits.',
  operands: [
    { name: 'merchant', about: 'in whose suspense it is', isRequired: true },
    { name: 'way', about: Object.keys(kinds).join(', '), isRequired: true },
    { name: 'amount', about: 'in major units, such as 12.50', isRequired: true },
  ],
  options: {
    network: { type: 'string', value: 'NAME', about: 'of which network it came', isRequired: true },
    note: { type: 'string', value: 'TEXT', about: 'why; the merchant reads it where it is its money', isRequired: true },
    by: byOption,
  },
  async run(context, { operands, options, isJson }) {
    const merchant = merchantId(operands['merchant'])
    const way = operands['way'] ?? ''
    const kind = Object.hasOwn(kinds, way) ? kinds[way] : undefined
    if (kind === undefined) throw new Misuse(`the way is one of ${Object.keys(kinds).join(', ')}`)
    const [by, reason, name] = [whoOf(options['by']), noteOf(options['note']), String(options['network'])]
    const id = newId('adjustment', context)
    await withDatabase(context, async (db, { networks }) => {
      const network = Object.hasOwn(networks, name) ? networks[name] : undefined
      if (network === undefined) throw new Misuse(`no network has this name: ${Object.keys(networks).join(', ')}`)
      const money = parseMoney(operands['amount'] ?? '', network.currency)
      if (money === undefined) throw new Misuse(`the amount is one of ${network.currency}, above zero`)
      const tenant: Tenant = { merchant, world: network.world }
      const event = emit({ ...context, process: 'operator' }, 'reconciliation.released', tenant, { adjustment: id, kind, network: name, by })
      await releaseSuspense(db, tenant, { id, kind, network: name, money, reason, madeBy: by, atMs: context.clock.nowMs() }, event)
    })
    if (isJson) context.out(JSON.stringify({ adjustment: id, kind }))
    else context.out(`${id}: ${kind} of ${operands['amount'] ?? ''}`)
    return exitCodes.done
  },
}
