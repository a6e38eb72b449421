import { ascii, concat, lengthPrefixed, toBase64Url } from './bytes.ts'
import { padValue, type ValueType } from './pad-value.ts'
import { readStatement, type Statement } from './read-statement.ts'
import { SealerError } from './sealer-error.ts'
import { sendExport } from './send-export.ts'
import { suites, type SealerSuite } from './suites.ts'

/** What a client knows by itself, not from who hands it the key. */
export type ExpectedKey = {
  /** The custodian's statement key, 32 bytes in base64url, as the operator publishes it: `ngome vault pin`. */
  readonly statementKey: string
  /** `mer_…` */
  readonly merchant: string
  readonly world: 'test' | 'live'
  /** Which suites will do; `hybrid` alone where this is left out. */
  readonly suites?: readonly SealerSuite[]
  /** What this device's clock says, milliseconds since 1970. */
  readonly nowMs: number
}

const format = 'ngome/client-sealed/v1'
const version = 0x01
const retention = 'vault'
/** How far before its first moment a key is taken: clocks of devices differ. */
const skewMs = 600_000

/** A vault key that the custodian signed: what values may be sealed to. Only {@link VaultKey.verify} makes one. */
export class VaultKey {
  readonly #statement: Statement

  private constructor(statement: Statement) {
    this.#statement = statement
  }

  /**
   * Checks a statement of `GET /v1/vault/keys`: signed by the key that was pinned, of this merchant and world, for the
   * vault, in a suite that will do, and valid now.
   * @param statement base64url
   * @throws SealerError `statement_refused`, the same whatever was wrong
   */
  static async verify(statement: string, expected: ExpectedKey): Promise<VaultKey> {
    const read = await readStatement(statement, expected.statementKey)
    if (read === undefined || !isExpected(read, expected)) {
      throw new SealerError('statement_refused', 'this vault key is not one to seal to')
    }
    return new VaultKey(read)
  }

  /** `mek_…` */
  get id(): string {
    return this.#statement.keyId
  }

  /** The first millisecond in which values sealed to it are no longer taken. */
  get notAfterMs(): number {
    return this.#statement.notAfterMs
  }

  /**
   * Seals one value: what `POST /v1/vault/tokens` takes as `sealed`. Nobody but the custodian and the dispatcher together
   * can open it.
   * @returns base64url
   * @throws SealerError `value_refused` where there is nothing, or more than fits: 126 bytes of UTF-8, 8,190 of a text
   */
  async seal(type: ValueType, value: string): Promise<string> {
    const { suite, keyId, merchant, world, publicKey } = this.#statement
    const plaintext = padValue(type, value)
    const header = concat(Uint8Array.of(version, suites[suite].number), ascii(keyId))
    const info = lengthPrefixed(format, suites[suite].label, keyId, merchant, world, retention, type)
    const { enc, secret } = await sendExport(suite, publicKey, info, ascii(format))
    const key = await crypto.subtle.importKey('raw', secret, { name: 'AES-GCM' }, false, ['encrypt'])
    // Zeros: this key encrypts one message.
    const cipher = { name: 'AES-GCM', iv: new Uint8Array(12), additionalData: header }
    const ciphertext = new Uint8Array(await crypto.subtle.encrypt(cipher, key, plaintext))
    plaintext.fill(0)
    secret.fill(0)
    return toBase64Url(concat(header, enc, ciphertext))
  }
}

function isExpected(statement: Statement, expected: ExpectedKey): boolean {
  return statement.merchant === expected.merchant && statement.world === expected.world &&
    statement.retention === retention && (expected.suites ?? ['hybrid']).includes(statement.suite) &&
    expected.nowMs >= statement.notBeforeMs - skewMs && expected.nowMs < statement.notAfterMs
}
