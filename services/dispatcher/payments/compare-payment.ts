import type { SealedPayment } from '@ngome/contracts'
import { parseId } from '@ngome/kernel'
import { isCardMask, maskPhone } from '@ngome/payments'
import type { DispatchablePayment } from '@ngome/store'
import type { Network } from '../dispatcher.ts'

/** What ids of a direction are. */
const idKinds = { collection: 'payment', payout: 'payout', refund: 'refund' } as const

/**
 * Compares every column of a payment with what was sealed. What was sealed is what is paid; a column that differs was
 * changed by somebody.
 * @returns the names of the columns that differ
 */
export function compareWithSealed(
  payment: DispatchablePayment, sealed: SealedPayment, network: Pick<Network, 'world' | 'currency' | 'callingCode'> & { readonly connector?: Pick<Network['connector'], 'takesCards'> },
): readonly string[] {
  const columns: readonly [string, boolean][] = [
    ['amount_minor', String(payment.amountMinor) === sealed.amount_minor],
    ['fee_minor', String(payment.feeMinor) === (sealed.fee_minor ?? '0')],
    ['id', parseId(idKinds[sealed.direction], payment.id) !== undefined],
    ['original', payment.original === (sealed.original ?? null) && (payment.original !== null) === (sealed.direction === 'refund')],
    ['currency', payment.currency === sealed.currency && payment.currency === network.currency],
    ['network', payment.network === sealed.network],
    ['direction', payment.direction === sealed.direction],
    ['merchant', payment.tenant.merchant === sealed.payee],
    ['world', payment.tenant.world === network.world],
    // Records from before it was sealed lack it; nobody can take it out of one that has it.
    ['reference', sealed.reference === undefined || payment.reference === sealed.reference],
    // A card goes to a network of cards alone, and nothing else goes there.
    ['card', sealed.direction !== 'collection' || (sealed.card !== undefined) === (network.connector?.takesCards === true)],
    ['payer_masked', sealed.card !== undefined
      // Of which card the mask is, its number says when it is taken out of the vault.
      ? isCardMask(payment.payerMasked) && sealed.payer === undefined && sealed.direction === 'collection'
      : sealed.payer === undefined
      // Who paid is for the collection to say.
      ? sealed.direction === 'refund'
      : payment.payerMasked === maskPhone(sealed.payer.phone, network.callingCode)],
  ]
  return columns.filter(([, isSame]) => !isSame).map(([name]) => name)
}
