import type { CertificateRefusal } from '@ngome/contracts'
import type { AcmeOrderId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { inPlatform } from '../transaction.ts'

export type AcmeOrderEnd =
  | { readonly state: 'installed' | 'withdrawn' }
  | { readonly state: 'refused'; readonly refusal: CertificateRefusal }

/**
 * Says what a gateway did with what it ordered.
 * @returns whether it was for this gateway to say: another process of its folder may have said it before
 * @throws Fault `store/unavailable`
 */
export async function endAcmeOrder(db: Database, id: AcmeOrderId, end: AcmeOrderEnd, atMs: number): Promise<boolean> {
  const from = end.state === 'withdrawn' ? ['requested', 'ordered', 'issued'] as const : ['issued'] as const
  const updated = await inPlatform(db, (tx) => tx.updateTable('acme_orders')
    .set({ state: end.state, ended_at: new Date(atMs), ...end.state === 'refused' ? { refusal: end.refusal } : {} })
    .where('id', '=', id).where('state', 'in', from).executeTakeFirst())
  return updated.numUpdatedRows > 0n
}
