import { settlementStates } from '@ngome/contracts'
import { formatMoney, type SettlementId } from '@ngome/kernel'
import { allSettlements, type SettlementRow } from '@ngome/store'
import { exitCodes, Misuse, type Command } from './command.ts'
import { merchantId } from './operator/find-merchant.ts'
import { withDatabase } from './operator/load.ts'
import { plainLine } from './plain-text.ts'
import { printList } from './print-list.ts'

const pageSize = 1_000

export const settleList: Command = {
  name: 'settle list',
  summary: 'List settlements of all merchants, the oldest first: those that wait for the bank, or of a state.',
  operands: [{ name: 'merchant', about: 'its id; all where it is left out', isRequired: false }],
  options: { state: { type: 'string', value: 'STATE', about: 'created, paid or failed; created when left out' } },
  async run(context, { operands, options, isJson }) {
    const state = settlementStates.find((one) => one === (options['state'] ?? 'created'))
    if (state === undefined) throw new Misuse('the state is created, paid or failed')
    const merchant = operands['merchant'] === undefined ? null : merchantId(operands['merchant'])
    const rows = await withDatabase(context, async (db) => {
      const all: SettlementRow[] = []
      for (let after: SettlementId | null = null; ;) {
        const page = await allSettlements(db, { after, limit: pageSize, state, merchant })
        all.push(...page)
        after = page.at(-1)?.id ?? null
        if (after === null || page.length < pageSize) return all
      }
    })
    const views = rows.map(({ id, tenant, currency, amountMinor, day, bankReference, failure, createdAtMs }) => ({
      settlement: id, ...tenant, state, day, amount: formatMoney({ amountMinor, currency }), currency, bankReference, failure,
      createdAt: new Date(createdAtMs).toISOString(),
    }))
    if (isJson) context.out(JSON.stringify(views))
    else printList(context, views, (view) => plainLine(
      `${view.settlement}  ${view.merchant}  ${view.world}  ${view.day}  ${view.amount} ${view.currency}  ${view.bankReference ?? view.failure ?? state}`),
    `no settlement is ${state}`)
    return exitCodes.done
  },
}
