import { emit, parseForwardPrefix, type ForwardMethod } from '@ngome/contracts'
import { Fault, newId, parseBase64Url, toBase64Url, type ForwardDestinationId, type Tenant } from '@ngome/kernel'
import { forwardDestinationsMax, insertForwardDestination, listForwardDestinations } from '@ngome/store'
import { Misuse } from '../command.ts'
import type { OperatorAccess } from './create-merchant.ts'

export type AllowedForward = {
  readonly url: string
  readonly methods: readonly ForwardMethod[]
  readonly certificateSha256: Uint8Array | null
  /** PEM. */
  readonly authority: string | null
  readonly expiresAtMs: number
}

/**
 * Allows a merchant to forward below an address: the custodian signs it, since nobody obeys a row that it did not sign.
 * @throws Misuse where the address is not one that can be allowed
 */
export async function allowForward(
  { db, custodian, clock, random }: OperatorAccess, tenant: Tenant, allowed: AllowedForward,
): Promise<{ readonly id: ForwardDestinationId; readonly url: string }> {
  const { methods, certificateSha256, authority, expiresAtMs } = allowed
  const url = parseForwardPrefix(allowed.url, tenant.world)
  if (url === undefined) throw new Misuse('--url is not like https://host:port/prefix/: it ends in a slash, and has no query')
  if ((await listForwardDestinations(db, tenant)).length >= forwardDestinationsMax) {
    throw new Misuse(`this merchant has ${forwardDestinationsMax} addresses already; remove one first`)
  }
  const id = newId('forwardDestination', { clock, random })
  const { proof } = await custodian.call('/v1/forward-destination', {
    ...tenant, destination: id, url, methods: [...methods], authority, expires: new Date(expiresAtMs).toISOString(),
    certificateSha256: certificateSha256 === null ? null : toBase64Url(certificateSha256),
  })
  const bytes = parseBase64Url(proof)
  if (bytes === undefined) throw new Fault('custodian/unavailable', 'the custodian answered no proof')
  const event = emit({ clock, random, process: 'operator' }, 'forward_destination.allowed', tenant, { destination: id })
  await insertForwardDestination(
    db, { id, tenant, url, methods, certificateSha256, authority, proof: bytes, expiresAtMs }, clock.nowMs(), event)
  return { id, url }
}
