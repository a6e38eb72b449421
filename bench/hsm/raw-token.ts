import type { SoftHsm } from '@ngome/testkit'
import {
  cka, ckf, ckm, ckrOf, cku, gcmParameter, type Cryptoki, type Handle, type Mechanism,
} from '../../services/custodian/root-keys/pkcs11/cryptoki.ts'

const nonceBytes = 12
const tagBytes = 16
/** The inner key of an envelope, and about as long a context as binds it. */
const valueBytes = 32
const contextBytes = 60
/** Whoever shares the process shares the login. */
const alreadyLoggedIn = 0x100

/** A session of its own on a token that is in use already, and nothing between it and the module. */
export class RawToken {
  readonly #cryptoki: RawCryptoki
  readonly #session: Handle
  readonly #key: Handle
  readonly #mechanism: Mechanism = { mechanism: ckm.aesGcm, parameter: {
    type: gcmParameter, iv: Buffer.alloc(nonceBytes, 1), aad: Buffer.alloc(contextBytes), ivBits: nonceBytes * 8, tagBits: tagBytes * 8,
  } }
  #ciphertext: Buffer = Buffer.alloc(0)

  private constructor(cryptoki: RawCryptoki, session: Handle, key: Handle) {
    this.#cryptoki = cryptoki
    this.#session = session
    this.#key = key
  }

  /** @param cryptoki the module, which the root key has initialised in this process */
  static async open(cryptoki: Cryptoki, hsm: SoftHsm): Promise<RawToken> {
    const raw = cryptoki as RawCryptoki
    const slot = cryptoki.C_GetSlotList(true).find((one) => cryptoki.C_GetTokenInfo(one).label.trim() === hsm.label)
    if (slot === undefined) throw new Error('no token')
    const session = cryptoki.C_OpenSession(slot, ckf.serialSession)
    try {
      cryptoki.C_Login(session, cku.user, hsm.pin)
    } catch (failure) {
      if (ckrOf(failure) !== alreadyLoggedIn) throw failure
    }
    cryptoki.C_FindObjectsInit(session, [{ type: cka.label, value: 'ngome-root' }])
    const [key] = cryptoki.C_FindObjects(session, 1)
    cryptoki.C_FindObjectsFinal(session)
    if (key === undefined) throw new Error('no key')
    const token = new RawToken(raw, session, key)
    cryptoki.C_EncryptInit(session, token.#mechanism, key)
    token.#ciphertext = await cryptoki.C_EncryptAsync(session, Buffer.alloc(valueBytes), Buffer.alloc(valueBytes + tagBytes))
    return token
  }

  decrypt(): Buffer {
    this.#cryptoki.C_DecryptInit(this.#session, this.#mechanism, this.#key)
    return this.#cryptoki.C_Decrypt(this.#session, this.#ciphertext, Buffer.alloc(valueBytes + tagBytes))
  }

  decryptInThread(): Promise<Buffer> {
    this.#cryptoki.C_DecryptInit(this.#session, this.#mechanism, this.#key)
    return this.#cryptoki.C_DecryptAsync(this.#session, this.#ciphertext, Buffer.alloc(valueBytes + tagBytes))
  }
}

/** What the custodian does not use of the module. */
type RawCryptoki = Cryptoki & { C_Decrypt(session: Handle, input: Buffer, output: Buffer): Buffer }
