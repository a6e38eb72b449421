import ipaddr from 'ipaddr.js'

/** Two steps to each doubling: coarse enough to say nothing about one payment, fine enough for a factor of four. */
const stepsPerOctave = 2
const networkBytesOfIpv6 = 6

/** Names currency and size of an amount, in half octaves of its minor units: `EUR/17`. */
export function amountBucket(currency: string, amountMinor: bigint): string {
  return `${currency}/${Math.floor(stepsPerOctave * Math.log2(Math.max(1, Number(amountMinor))))}`
}

/** @returns how many times larger one size is than another */
export function timesLarger(size: number, than: number): number {
  return 2 ** ((size - than) / stepsPerOctave)
}

/** The network of an address: /24 of IPv4, /48 of IPv6, which is what one site is given (RFC 6177). `undefined`: none. */
export function networkOf(text: string): string | undefined {
  if (!ipaddr.isValid(text)) return undefined
  const address = ipaddr.process(text)
  const bytes = address.toByteArray()
  if (address.kind() === 'ipv4') return `${bytes.slice(0, 3).join('.')}.0/24`
  const groups = Buffer.from(bytes.slice(0, networkBytesOfIpv6)).toString('hex').match(/.{4}/g) ?? []
  return `${groups.map((group) => group.replace(/^0{1,3}/, '')).join(':')}::/48`
}
