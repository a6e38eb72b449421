/**
 * The part of PKCS#11 2.40 that we use, in the names and numbers of its headers (pkcs11t.h), and in the shape that the
 * package `pkcs11js` gives its calls. Declared here so that a token can be played by a test.
 */
export type Handle = Buffer
export type Attribute = { readonly type: number; readonly value?: number | boolean | string | Buffer }
export type Mechanism = {
  readonly mechanism: number
  readonly parameter?: {
    readonly type: number; readonly iv: Buffer; readonly aad: Buffer; readonly ivBits: number; readonly tagBits: number
  }
}
export type TokenInfo = {
  readonly label: string
  readonly manufacturerID: string
  readonly model: string
  readonly serialNumber: string
  readonly flags: number
}

/** One loaded module. Every call throws an error with the numeric `code` of its CKR_ value, or a TypeError. */
export type Cryptoki = {
  C_Initialize(options: { readonly flags: number }): void
  C_Finalize(): void
  C_GetSlotList(tokenPresent: boolean): Handle[]
  C_GetTokenInfo(slot: Handle): TokenInfo
  C_OpenSession(slot: Handle, flags: number): Handle
  C_CloseSession(session: Handle): void
  C_Login(session: Handle, userType: number, pin: string): void
  C_FindObjectsInit(session: Handle, template: Attribute[]): void
  C_FindObjects(session: Handle, count: number): Handle[]
  C_FindObjectsFinal(session: Handle): void
  C_GetAttributeValue(session: Handle, object: Handle, template: Attribute[]): { type: number; value: unknown }[]
  C_GenerateKeyAsync(session: Handle, mechanism: Mechanism, template: Attribute[]): Promise<Handle>
  C_DestroyObject(session: Handle, object: Handle): void
  C_EncryptInit(session: Handle, mechanism: Mechanism, key: Handle): void
  C_EncryptAsync(session: Handle, input: Buffer, output: Buffer): Promise<Buffer>
  C_DecryptInit(session: Handle, mechanism: Mechanism, key: Handle): void
  C_DecryptAsync(session: Handle, input: Buffer, output: Buffer): Promise<Buffer>
}

/** Loads the shared library at a path. @throws Fault `custodian/start_refused` where that is impossible here */
export type LoadCryptoki = (modulePath: string) => Promise<Cryptoki>

export const cka = {
  class: 0x0, token: 0x1, private: 0x2, label: 0x3, keyType: 0x100, id: 0x102, sensitive: 0x103, encrypt: 0x104,
  decrypt: 0x105, wrap: 0x106, unwrap: 0x107, sign: 0x108, verify: 0x10a, derive: 0x10c, value: 0x11, valueLength: 0x161,
  extractable: 0x162, local: 0x163, neverExtractable: 0x164, alwaysSensitive: 0x165, modifiable: 0x170,
} as const
export const cko = { secretKey: 0x4 } as const
export const ckk = { aes: 0x1f } as const
export const ckm = { aesKeyGen: 0x1080, aesGcm: 0x1087 } as const
export const cku = { user: 0x1 } as const
export const ckf = {
  osLockingOk: 0x2, rwSession: 0x2, serialSession: 0x4, tokenInitialized: 0x400, pinFinalTry: 0x2_0000, pinLocked: 0x4_0000,
} as const
/** The PIN is wrong, of a wrong form, expired, locked, or was never set: trying again can only do harm. */
export const pinRefusals: ReadonlySet<number> = new Set([0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0x102])
/** What a token answers to who asks for a secret key's value. */
export const exportRefusals: ReadonlyMap<number, string> = new Map([[0x11, 'CKR_ATTRIBUTE_SENSITIVE'], [0x6a, 'CKR_KEY_UNEXTRACTABLE']])
/** pkcs11js' own number for CK_GCM_PARAMS. */
export const gcmParameter = 3

/** The CKR_ value of a failed call, or `undefined` where it is a failure of another kind. */
export function ckrOf(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined
}
