import type { Random } from '@ngome/kernel'

/** A UUID of version 4 (RFC 9562 §5.4): what networks take as a reference. */
export function newReference(random: Random): string {
  const bytes = Buffer.from(random.bytes(16))
  bytes[6] = 0x40 | ((bytes[6] ?? 0) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f)
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
