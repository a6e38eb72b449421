import type { GatewayInstanceId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { inPlatform } from '../transaction.ts'
import { acmeOrderRow, type AcmeOrderRow } from './acme-order-row.ts'

/** An order that is open, the one that is served, and those between them that came to nothing; of one folder, and of all. */
const [ordersOfOneMax, ordersMax] = [8, 64] as const

/** @returns the newest orders of one gateway's folder, or of all of them, newest first @throws Fault `store/unavailable` */
export async function findAcmeOrders(db: Database, instance?: GatewayInstanceId): Promise<readonly AcmeOrderRow[]> {
  const rows = await inPlatform(db, (tx) => {
    const all = tx.selectFrom('acme_orders').selectAll().orderBy('requested_at', 'desc').orderBy('id', 'desc')
    return (instance === undefined ? all.limit(ordersMax) : all.where('instance', '=', instance).limit(ordersOfOneMax)).execute()
  })
  return rows.map(acmeOrderRow)
}
