import type { AcmeOrderId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { guarded } from '../store-fault.ts'

/** What an authority asks for at `/.well-known/acme-challenge/TOKEN` (RFC 8555 §8.3). */
export type AcmeChallenge = { readonly token: string; readonly name: string; readonly keyAuthorization: string }

/** An order has 32 names at most, and one gateway one order. */
const challengesMax = 256

/** Has the gateways answer a challenge, for the dispatcher. @throws Fault `store/unavailable` */
export async function putAcmeChallenge(db: Database, order: AcmeOrderId, { token, name, keyAuthorization }: AcmeChallenge): Promise<void> {
  await guarded(() => db.kysely.insertInto('acme_challenges')
    .values({ token, order_id: order, name, key_authorization: keyAuthorization }).onConflict((on) => on.column('token').doNothing()).execute())
}

/** @returns every challenge of an order that is being worked on, the newest first @throws Fault `store/unavailable` */
export async function listAcmeChallenges(db: Database): Promise<readonly AcmeChallenge[]> {
  const rows = await guarded(() => db.kysely.selectFrom('acme_challenges').innerJoin('acme_orders', 'acme_orders.id', 'order_id')
    .where('state', '=', 'ordered').select(['token', 'name', 'key_authorization'])
    .orderBy('acme_challenges.created_at', 'desc').limit(challengesMax).execute())
  return rows.map(({ token, name, key_authorization: keyAuthorization }) => ({ token, name, keyAuthorization }))
}
