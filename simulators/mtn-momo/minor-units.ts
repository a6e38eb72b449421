/** Amounts are counted in hundredths, whatever the currency: MTN takes two digits after the point everywhere. */
export function minorOf(amount: string): bigint {
  const [major = '0', fraction = ''] = amount.split('.')
  return BigInt(major) * 100n + BigInt(fraction.padEnd(2, '0'))
}

export function majorOf(minor: bigint): string {
  return `${String(minor / 100n)}.${String(minor % 100n).padStart(2, '0')}`
}
