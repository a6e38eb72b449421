import type { SettlementState } from '@ngome/contracts'
import type { SettlementId, Tenant } from '@ngome/kernel'
import { eventSubject } from '@ngome/payments'
import { giveWord, type Identity } from '@ngome/runtime'
import type { Vouch } from '@ngome/store'

/** What a command changes, as it knows it without the database. */
type Change = { readonly tenant: Tenant; readonly state: SettlementState; readonly settlement?: SettlementId; readonly words?: string }

/**
 * Gives the operator's word for the event of a settlement's change, which is what the dispatcher tells the merchant on (ADR 50).
 * @returns what throws where the database tells of another change than the one that was made, so that none is made
 */
export function vouchForSettlement(identity: Pick<Identity, 'secureContext'>, { tenant, state, settlement, words }: Change): Vouch {
  return (event) => {
    const isTheChange = event.kind === 'settlement' && event.type === `settlement.${state}` && event.facts.status === state
      && event.tenant.merchant === tenant.merchant && event.tenant.world === tenant.world
      && (settlement === undefined || event.settlement === settlement)
      && (state === 'created' || words === (state === 'paid' ? event.facts.bank_reference : event.facts.failure))
    if (!isTheChange) throw new Error('the database tells of another change than this one: nothing was done')
    return { kind: 'word', word: giveWord(identity, eventSubject(event)) }
  }
}
