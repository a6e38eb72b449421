import type { Random } from '@ngome/kernel'

/**
 * A certificate's serial number: 127 bits, 126 of them random (RFC 5280 §4.1.2.2 allows 20 octets and asks for a
 * positive number), as 32 hexadecimal digits in lower case. The second bit is set, so that no writer drops leading
 * zeros.
 */
export function newSerial(random: Random): string {
  const bytes = Buffer.from(random.bytes(16))
  bytes[0] = (bytes.readUInt8(0) & 0x3f) | 0x40
  return bytes.toString('hex')
}
