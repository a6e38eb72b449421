import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { cka, ckf, type Attribute, type Cryptoki, type Mechanism, type TokenInfo } from '../root-keys/pkcs11/cryptoki.ts'

/** A failure as pkcs11js throws it. */
export function ckr(code: number, name = `CKR_${code}`): Error {
  return Object.assign(new Error(name), { code })
}

type Key = { readonly handle: Buffer; readonly value: Buffer; readonly attributes: Map<number, Buffer> }
let handles = 0

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
  /** Hears of each call before it is carried out. */
  onCall: (name: string) => void = () => undefined
  /** While set, it says that it destroyed a key, and did not. */
  isForgetful = false
  readonly #pending = new Map<number, { mechanism: Mechanism; key: Key }>()
  #sessions = 0
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
    C_OpenSession: (_slot, flags) => {
      this.#called((flags & ckf.rwSession) === 0 ? 'C_OpenSession' : 'C_OpenSession to write')
      return Buffer.of(++this.#sessions & 0xff)
    },
    C_CloseSession: () => this.#called('C_CloseSession'),
    C_Login: (_session, _user, pin) => {
      this.#called('C_Login')
      if (pin !== this.pin) throw ckr(0xa0, 'CKR_PIN_INCORRECT')
    },
    C_FindObjectsInit: (_session, template) => {
      this.#called('C_FindObjectsInit')
      const wanted = template.filter(({ type }) => type !== cka.class)
      this.#found = this.keys.flatMap((key) => (
        wanted.every(({ type, value }) => key.attributes.get(type)?.equals(Buffer.from(value as string | Buffer)) === true) ? [key.handle] : []
      ))
    },
    C_FindObjects: (_session, count) => this.#found.slice(0, count),
    C_FindObjectsFinal: () => undefined,
    C_GetAttributeValue: (_session, object, template) => template.map(({ type }) => {
      if (type === cka.value) this.#called('CKA_VALUE')
      return { type, value: this.#find(object)?.attributes.get(type) ?? Buffer.alloc(0) }
    }),
    C_GenerateKeyAsync: async (_session, _mechanism, template) => {
      this.#called('C_GenerateKeyAsync')
      const handle = Buffer.alloc(4)
      handle.writeUInt32LE(++handles)
      this.keys.push({ handle, value: randomBytes(32), attributes: generated(template) })
      return handle
    },
    C_DestroyObject: (_session, object) => {
      this.#called('C_DestroyObject')
      const at = this.keys.findIndex(({ handle }) => handle.equals(object))
      if (at === -1) throw ckr(0x82, 'CKR_OBJECT_HANDLE_INVALID')
      if (!this.isForgetful) this.keys.splice(at, 1)
    },
    C_EncryptInit: (session, mechanism, key) => this.#init('C_EncryptInit', session, mechanism, key),
    C_EncryptAsync: async (session, input) => {
      await this.hang
      const [cipher] = this.#ciphers(session)
      return Buffer.concat([cipher.update(input), cipher.final(), cipher.getAuthTag()])
    },
    C_DecryptInit: (session, mechanism, key) => this.#init('C_DecryptInit', session, mechanism, key),
    C_DecryptAsync: async (session, input) => {
      await this.hang
      const [, decipher] = this.#ciphers(session)
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

  #find(object: Buffer): Key | undefined {
    return this.keys.find(({ handle }) => handle.equals(object))
  }

  #called(name: string): void {
    this.calls.push(name)
    this.onCall(name)
    const failure = this.failures.get(name)
    if (failure !== undefined) throw failure
  }

  #init(name: string, session: Buffer, mechanism: Mechanism, handle: Buffer): void {
    this.#called(name)
    const key = this.#find(handle)
    if (key === undefined) throw ckr(0x82, 'CKR_OBJECT_HANDLE_INVALID')
    this.#pending.set(session[0] ?? 0, { mechanism, key })
  }

  #ciphers(session: Buffer) {
    const pending = this.#pending.get(session[0] ?? 0)
    const parameter = pending?.mechanism.parameter
    if (pending === undefined || parameter === undefined) throw ckr(0x91)
    const { value } = pending.key
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
