import { formatMoney } from '@ngome/kernel'
import type { BalanceView } from '@ngome/contracts'
import type { Balance, PaymentStore } from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'

/** Answers what the merchant's accounts hold. @throws Fault `store/unavailable` */
export async function listBalances({ payments }: { readonly payments: Pick<PaymentStore, 'findBalances'> }, { caller }: Call<'listBalances'>): Promise<Answer> {
  const balances = await payments.findBalances(caller.tenant)
  const data = balances.map(({ currency, availableMinor, pendingMinor, reservedMinor, owedMinor }: Balance): BalanceView => ({
    object: 'balance', world: caller.tenant.world, currency,
    available: formatMoney({ amountMinor: availableMinor, currency }),
    pending: formatMoney({ amountMinor: pendingMinor, currency }),
    reserved: formatMoney({ amountMinor: reservedMinor, currency }),
    owed: formatMoney({ amountMinor: owedMinor, currency }),
  }))
  return { status: 200, contentType: jsonType, body: JSON.stringify({ object: 'list', data }) }
}
