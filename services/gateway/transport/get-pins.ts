import type { PublishedPinSet } from '@ngome/contracts'
import { Fault, type Clock } from '@ngome/kernel'
import { jsonType, type Answer } from '../http/answer.ts'
import type { PinSets } from './pin-sets.ts'

/** An app that starts asks again; what is in between is not asked a second time. */
const cacheS = 300

/** The newest pin set, while it counts. @throws Fault `tls/no_pins`, `store/unavailable` */
export async function getPins({ pinSets, clock }: { readonly pinSets: Pick<PinSets, 'newest'>; readonly clock: Clock }): Promise<Answer> {
  const newest = await pinSets.newest()
  if (newest === undefined) throw new Fault('tls/no_pins', 'no pin set that the custodian signed')
  if (Date.parse(newest.set.expires_at) <= clock.nowMs()) throw new Fault('tls/no_pins', 'the pin set is over')
  const body: PublishedPinSet = { object: 'pin_set', ...newest.set, statement: newest.statement }
  return { status: 200, contentType: jsonType, body: JSON.stringify(body), cacheS }
}
