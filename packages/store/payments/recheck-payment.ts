import type { Event } from '@ngome/contracts'
import type { PaymentId, Tenant } from '@ngome/kernel'
import { CompiledQuery, sql } from 'kysely'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { enterTenant } from '../statement.ts'
import { inPlatform } from '../transaction.ts'

/**
 * Has the dispatcher ask the network about a payment that was sent, also where it has succeeded.
 * @param db opened as `ngome_operator`
 * @param told what the operator is told of it, of this tenant
 * @returns whose it is, or `undefined` where there is nothing to ask about
 * @throws Fault `store/unavailable`
 */
export async function recheckPayment(db: Database, payment: PaymentId, told: (tenant: Tenant) => Event): Promise<Tenant | undefined> {
  return inPlatform(db, async (tx) => {
    const { rows: [tenant] } = await sql<Tenant>`SELECT merchant, world FROM ngome.recheck_payment(${payment})`.execute(tx)
    if (tenant === undefined) return undefined
    // What is told of it is its tenant's.
    const { text, values } = enterTenant(tenant)
    await tx.executeQuery(CompiledQuery.raw(text, [...values]))
    await appendEvent(tx, told(tenant))
    return tenant
  })
}
