import { isIP } from 'node:net'
import { httpPort, isUsualPort, nameOf, refused, type Destination } from './destination.ts'
import { isPublicAddress } from './is-public-address.ts'
import type { Resolver } from './resolver.ts'

/** A destination with the addresses that may be connected to; only {@link checkDestination} makes one. */
export type CheckedDestination = Destination & { readonly addresses: readonly string[]; readonly isChecked: true }

/**
 * Lets a destination be plain HTTP on port 80. Only what carries its own signature may come that way, and nothing secret
 * may leave: OCSP (docs/adr/0025). A test lists who uses it.
 */
export const plainHttpAllowed: unique symbol = Symbol('plain HTTP allowed')

/** A name has a handful of addresses; a longer list is an attempt to hide one. */
const addressesMax = 16

/**
 * Resolves a destination once and checks EVERY address that comes back, since which one a second look would give is
 * the attacker's choice (DNS rebinding).
 *
 * @param allowedByName `host:port` that the operator allows although private or plain HTTP
 * @returns the destination with the addresses to connect to; none where the name has none now
 * @throws Fault `egress/refused`
 */
export async function checkDestination(
  destination: Destination, allowedByName: ReadonlySet<string>, resolve: Resolver, options: { readonly [plainHttpAllowed]?: true } = {},
): Promise<CheckedDestination> {
  const isAllowedByName = allowedByName.has(nameOf(destination))
  if (!isAllowedByName) {
    const isPlainHttp = destination.protocol !== 'https:'
    if (isPlainHttp && options[plainHttpAllowed] !== true) throw refused('plain HTTP')
    if (isPlainHttp ? destination.port !== httpPort : !isUsualPort(destination.port)) throw refused(`port ${destination.port}`)
  }
  const addresses = await addressesOf(destination.host, resolve)
  if (addresses.length > addressesMax) throw refused(`a name with ${addresses.length} addresses`)
  for (const address of addresses) {
    if (isIP(address) === 0) throw refused('a resolver that answered something other than an address')
    if (!isAllowedByName && !isPublicAddress(address)) throw refused(`${destination.host} is not a public address`)
  }
  return { ...destination, addresses, isChecked: true }
}

async function addressesOf(host: string, resolve: Resolver): Promise<readonly string[]> {
  const literal = host.startsWith('[') ? host.slice(1, -1) : host
  if (isIP(literal) !== 0) return [literal]
  try {
    return await resolve(host)
  } catch {
    // Whatever the resolver's trouble is, nothing was sent, and a later try may find the name.
    return []
  }
}
