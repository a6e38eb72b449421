import { parseId, type PaymentId } from '@ngome/kernel'

const uuid = /^([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})$/

/** What of a text is ours: the reference that we asked by, with hyphens or without, or the id of a payment. Another's text is neither. */
export function readReference(text: string): { readonly reference: string | null; readonly payment: PaymentId | null } {
  const parts = text.length <= 36 ? uuid.exec(text.toLowerCase()) : null
  const reference = parts === null ? null : parts.slice(1).join('-')
  return { reference, payment: parseId('payment', text) ?? parseId('payout', text) ?? parseId('refund', text) ?? null }
}

/** The network's own: nothing that a spreadsheet, a terminal or a page would take for more than a name. */
export function readNetworkReference(text: string): string | undefined {
  return /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/.test(text) ? text : undefined
}
