import { misconfigured } from './errors.ts'

export type World = 'test' | 'live'

/** `ngome_` ‖ `sk` or `pk` ‖ world ‖ key id's suffix (26) ‖ secret (43, base64url) ‖ checksum (6, base 62). */
const pattern = /^ngome_(sk|pk)_(test|live)_([0-7][0-9a-hjkmnp-tv-z]{25})_[A-Za-z0-9_-]{43}([0-9A-Za-z]{6})$/
const checksumLength = 6
const base32 = '0123456789abcdefghjkmnpqrstvwxyz'
const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** The first characters of an id are its time: two spare bits and 48 of milliseconds. */
const timeCharacters = 10

/** An API key that cannot be printed: what shows of it is its id, which is no secret. */
export class ApiKey {
  readonly #text: string
  /** `key_…` */
  readonly id: string
  readonly kind: 'secret' | 'publishable'
  readonly world: World
  readonly createdAtMs: number

  private constructor(text: string, kind: ApiKey['kind'], world: World, suffix: string) {
    this.#text = text
    this.id = `key_${suffix}`
    this.kind = kind
    this.world = world
    this.createdAtMs = Array.from(suffix.slice(0, timeCharacters)).reduce((time, character) => time * 32 + base32.indexOf(character), 0)
  }

  /** @throws ConfigurationError where the text is not a key, without the text: it may be one that was mistyped */
  static parse(text: string): ApiKey {
    const [, kind, world, suffix = '', sum] = pattern.exec(text) ?? []
    if (sum === undefined || checksum(text.slice(0, -checksumLength)) !== sum) {
      throw misconfigured('this is not an API key: it looks like ngome_sk_test_… and was copied whole')
    }
    return new ApiKey(text, kind === 'sk' ? 'secret' : 'publishable', world as World, suffix)
  }

  /** The value of the `Authorization` header: the only way out for the text. */
  authorization(): string {
    return `Bearer ${this.#text}`
  }

  toString(): string {
    return `[API key ${this.id}]`
  }

  toJSON(): string {
    return this.toString()
  }
}

/** CRC-32 (ISO/IEC 3309) of what precedes it, six digits of base 62: it catches a key that was cut or mistyped. */
function checksum(body: string): string {
  let crc = -1
  for (let at = 0; at < body.length; at++) {
    crc ^= body.charCodeAt(at)
    for (let bit = 0; bit < 8; bit++) crc = crc >>> 1 ^ (crc & 1 ? 0xedb8_8320 : 0)
  }
  let rest = ~crc >>> 0
  let text = ''
  for (let at = 0; at < checksumLength; at++) {
    text = base62.charAt(rest % 62) + text
    rest = Math.floor(rest / 62)
  }
  return text
}
