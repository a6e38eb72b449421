/** A network that is banned whole: an IPv4 address, or the /64 that an IPv6 subscriber has (RFC 6177). */
export type BanNetwork = { readonly family: 4 | 6; readonly address: string }

/** The longest ban: an operator's, of a month. What a gateway may impose is bounded in the database. */
export const operatorBanSecondsMax = 2_678_400
/** Bans at once, in memory, in the database and in the kernel's set: past this the newest are not taken. */
export const bansMax = 10_000

const octet = '(?:0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5])'
const group = '(?:0|[1-9a-f][0-9a-f]{0,3})'
const v4 = new RegExp(`^((?:${octet}\\.){3}${octet})/32$`)
const v6 = new RegExp(`^((?:${group}:){3}${group}::)/64$`)
const line = /^(\S{1,64}) (0|[1-9][0-9]{0,6})$/

/** One spelling only: `192.0.2.1/32`, or `2001:db8:0:1::/64` with its four groups. */
export function parseBanNetwork(text: string): BanNetwork | undefined {
  const four = v4.exec(text)?.[1]
  if (four !== undefined) return { family: 4, address: four }
  const six = v6.exec(text)?.[1]
  return six === undefined ? undefined : { family: 6, address: six }
}

/**
 * What the gateway tells the ban helper, one line each: a network, and for how many seconds from now; 0 ends its ban. `forget`
 * ends all that were ordered before: a gateway that has just come knows of those that stand, and of no other.
 */
export type BanOrder = { readonly network: BanNetwork; readonly seconds: number } | 'forget'

export function formatBanOrder(network: string, seconds: number): string {
  return `${network} ${seconds}\n`
}

export const forgetBansOrder = '* 0\n'

/** @returns the order that a line is, without its line feed; `undefined` where it is none */
export function parseBanOrder(text: string): BanOrder | undefined {
  if (text === '* 0') return 'forget'
  const [, name = '', seconds = ''] = line.exec(text) ?? []
  const network = parseBanNetwork(name)
  return network === undefined || Number(seconds) > operatorBanSecondsMax ? undefined : { network, seconds: Number(seconds) }
}
