import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

const base32 = '0123456789abcdefghjkmnpqrstvwxyz'
const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** A key in the platform's form, so many days old at the virtual runtime's start. */
export function keyOf(world: 'test' | 'live' = 'test', ageDays = 1, kind: 'sk' | 'pk' = 'sk'): string {
  const atMs = 1_800_000_000_000 - ageDays * 86_400_000
  const time = digits(atMs, base32, 10)
  const body = `ngome_${kind}_${world}_${time}${'7'.padEnd(16, 'x')}_${randomBytes(32).toString('base64url')}`
  return body + digits(crc32(body), base62, 6)
}

export function publishableKeyOf(): string {
  return keyOf('test', 1, 'pk')
}

function digits(number: number, alphabet: string, count: number): string {
  let rest = number
  return Array.from({ length: count }, () => {
    const digit = alphabet.charAt(rest % alphabet.length)
    rest = Math.floor(rest / alphabet.length)
    return digit
  }).toReversed().join('')
}
