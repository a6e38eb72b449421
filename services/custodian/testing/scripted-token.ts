import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { cka, ckf, type Attribute, type Cryptoki, type Mechanism, type TokenInfo } from '../root-keys/pkcs11/cryptoki.ts'

/** A failure as pkcs11js throws it. */
export function ckr(code: number, name = `CKR_${code}`): Error {
  return Object.assign(new Error(name), { code })
}

type Key = { readonly value: Buffer; readonly attributes: Map<number, Buffer> }

const yes = Buffer.of(1)
const no = Buffer.of(0)

/**
 * A PKCS#11 token in memory whose faults a test chooses: what SoftHSM cannot be made to do. The real thing is tested
 * with SoftHSM; this one shows what follows from each answer.
 */
export class ScriptedToken {
  pin = '1234'
  slots: { info: TokenInfo }[] = [{ info: tokenInfo('ngome') }]
  readonly keys: Key[] = []
  /** Thrown by the call of this name, while it is set. */
  readonly failures = new Map<string, Error>()
  readonly calls: string[] = []
  /** While set, encrypting and decrypting wait for it. */
  hang: Promise<unknown> | undefined
  #pending: { mechanism: Mechanism; key: Key } | undefined
  #found: Buffer[] = []

  readonly cryptoki: Cryptoki = {
    C_Initialize: () => this.#called('C_Initialize'),
    C_Finalize: () => this.#called('C_Finalize'),
    C_GetSlotList: () => {
      this.#called('C_GetSlotList')
      return this.slots.map((_slot, at) => Buffer.of(at))
    },
    C_GetTokenInfo: (slot) => {
      this.#called('C_GetTokenInfo')
      const info = this.slots[slot[0] ?? 0]?.info
      if (info === undefined || info.label.trim() === 'broken') throw ckr(0xe0)
      return info
    },
    C_OpenSession: () => {
      this.#called('C_OpenSession')
      return Buffer.of(1)
    },
    C_Login: (_session, _user, pin) => {
      this.#called('C_Login')
      if (pin !== this.pin) throw ckr(0xa0, 'CKR_PIN_INCORRECT')
    },
    C_FindObjectsInit: (_session, template) => {
      this.#called('C_FindObjectsInit')
      const wanted = template.filter(({ type }) => type !== cka.class)
      this.#found = this.keys.flatMap((key, at) => (
        wanted.every(({ type, value }) => key.attributes.get(type)?.equals(Buffer.from(value as string | Buffer)) === true) ? [Buffer.of(at)] : []
      ))
    },
    C_FindObjects: (_session, count) => this.#found.slice(0, count),
    C_FindObjectsFinal: () => undefined,
    C_GetAttributeValue: (_session, object, template) => template.map(({ type }) => {
      if (type === cka.value) this.#called('CKA_VALUE')
      return { type, value: this.keys[object[0] ?? 0]?.attributes.get(type) ?? Buffer.alloc(0) }
    }),
    C_GenerateKeyAsync: async (_session, _mechanism, template) => {
      this.#called('C_GenerateKeyAsync')
      this.keys.push({ value: randomBytes(32), attributes: generated(template) })
      return Buffer.of(this.keys.length - 1)
    },
    C_EncryptInit: (_session, mechanism, key) => this.#init('C_EncryptInit', mechanism, key),
    C_EncryptAsync: async (_session, input) => {
      await this.hang
      const [cipher] = this.#ciphers()
      return Buffer.concat([cipher.update(input), cipher.final(), cipher.getAuthTag()])
    },
    C_DecryptInit: (_session, mechanism, key) => this.#init('C_DecryptInit', mechanism, key),
    C_DecryptAsync: async (_session, input) => {
      await this.hang
      const [, decipher] = this.#ciphers()
      decipher.setAuthTag(input.subarray(-16))
      try {
        return Buffer.concat([decipher.update(input.subarray(0, -16)), decipher.final()])
      } catch {
        throw ckr(5, 'CKR_GENERAL_ERROR')
      }
    },
  }

  /** How often a call of this name was made. */
  count(name: string): number {
    return this.calls.filter((call) => call === name).length
  }

  #called(name: string): void {
    this.calls.push(name)
    const failure = this.failures.get(name)
    if (failure !== undefined) throw failure
  }

  #init(name: string, mechanism: Mechanism, handle: Buffer): void {
    this.#called(name)
    const key = this.keys[handle[0] ?? 0]
    if (key === undefined) throw ckr(0x82, 'CKR_OBJECT_HANDLE_INVALID')
    this.#pending = { mechanism, key }
  }

  #ciphers() {
    const parameter = this.#pending?.mechanism.parameter
    if (this.#pending === undefined || parameter === undefined) throw ckr(0x91)
    const { value } = this.#pending.key
    const cipher = createCipheriv('aes-256-gcm', value, parameter.iv).setAAD(parameter.aad)
    return [cipher, createDecipheriv('aes-256-gcm', value, parameter.iv, { authTagLength: 16 }).setAAD(parameter.aad)] as const
  }
}

export function tokenInfo(label: string, more: Partial<TokenInfo> = {}): TokenInfo {
  return {
    label: label.padEnd(32), manufacturerID: 'us'.padEnd(32), model: 'scripted'.padEnd(16), serialNumber: '17'.padEnd(16),
    flags: ckf.tokenInitialized, ...more,
  }
}

function generated(template: readonly Attribute[]): Map<number, Buffer> {
  const attributes = new Map<number, Buffer>()
  for (const { type, value } of template) {
    const ulong = Buffer.alloc(8)
    if (typeof value === 'number') ulong.writeBigUInt64LE(BigInt(value))
    attributes.set(type, typeof value === 'number' ? ulong : typeof value === 'boolean' ? (value ? yes : no) : Buffer.from(value ?? ''))
  }
  for (const type of [cka.local, cka.neverExtractable, cka.alwaysSensitive]) attributes.set(type, yes)
  return attributes
}
