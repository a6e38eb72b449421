import { createHash } from 'node:crypto'
import { Fault, lengthPrefixed, type Random } from '@ngome/kernel'
import type { Pkcs11Uri } from '@ngome/runtime'
import { rootIdBytes } from '../wrapped-key.ts'
import { cka, ckk, ckm, cko, type Attribute, type Cryptoki, type Handle } from './cryptoki.ts'

export type TokenKey = { readonly handle: Handle; readonly rootId: string }

const keyBytes = 32
const idBytes = 16
/** A rotation has two of a family, and one that was killed a third; whoever has more keeps other keys under our name. */
const familyMax = 64

/** What the key must be, as the token says it. Nothing here can be set to look right by who imported a key. */
const required: readonly (readonly [type: number, value: number | boolean, message: string])[] = [
  [cka.keyType, ckk.aes, 'is no AES key'],
  [cka.valueLength, keyBytes, 'is not of 256 bits'],
  [cka.token, true, 'is not kept in the token'],
  [cka.private, true, 'is there without a login'],
  [cka.local, true, 'was not made in the token: somebody imported it and may have a copy'],
  [cka.sensitive, true, 'may be read'],
  [cka.alwaysSensitive, true, 'could once be read'],
  [cka.extractable, false, 'may be taken out of the token'],
  [cka.neverExtractable, true, 'could once be taken out of the token'],
  [cka.wrap, false, 'may wrap other keys of the token, which our own wrapping must not mix with'],
  [cka.unwrap, false, 'may unwrap keys into the token, and would make keys of what it only should decrypt'],
]

/** A session on the token, and the family of roots that is meant: all keys that bear the URI's name. */
export type Place = { readonly cryptoki: Cryptoki; readonly session: Handle; readonly uri: Pkcs11Uri }

/**
 * Finds a root key of the family, and proves that it never left the token.
 * @param wanted its id; without one the family must have one member
 * @returns `undefined` where the family is empty
 * @throws Fault `custodian/start_refused` where it is double, another, or not as it must be
 */
export function findTokenKey(place: Place, wanted?: string): TokenKey | undefined {
  const family = findFamily(place)
  const found = wanted === undefined ? family : family.filter(({ rootId }) => rootId === wanted)
  if (found.length > 1) throw refused(place.uri, 'is there twice: give the URI the id= of the right one')
  const [key] = found
  if (key === undefined && family.length > 0) {
    throw refused(place.uri, 'that the store needs is not in the token, which holds another root key: bring the right token')
  }
  return key === undefined ? undefined : proven(place, key)
}

/** @throws Fault `custodian/start_refused` */
export function missingKey(uri: Pkcs11Uri): Fault {
  return refused(uri, 'is missing, and the store needs it: restore the token from its backup')
}

/**
 * Makes a root key in the token.
 * @param id its CKA_ID, from which its id as a root follows
 */
export async function makeTokenKey(place: Place, id: Uint8Array): Promise<TokenKey> {
  const { cryptoki, session, uri } = place
  const handle = await cryptoki.C_GenerateKeyAsync(session, { mechanism: ckm.aesKeyGen }, template(uri, id))
  return proven(place, { handle, rootId: rootIdOf(id) })
}

/** The CKA_ID of a key that is about to be made. */
export function newKeyId(uri: Pkcs11Uri, random: Random): Uint8Array {
  return uri.id === undefined ? random.bytes(idBytes) : Buffer.from(uri.id, 'hex')
}

/** @returns every key of the family, as it is */
export function findFamily({ cryptoki, session, uri }: Place): readonly TokenKey[] {
  cryptoki.C_FindObjectsInit(session, [
    { type: cka.class, value: cko.secretKey }, { type: cka.label, value: uri.object },
    ...(uri.id === undefined ? [] : [{ type: cka.id, value: Buffer.from(uri.id, 'hex') }]),
  ])
  try {
    return cryptoki.C_FindObjects(session, familyMax)
      .map((handle) => ({ handle, rootId: rootIdOf(readAttribute(cryptoki, session, handle, cka.id)) }))
  } finally {
    cryptoki.C_FindObjectsFinal(session)
  }
}

function template(uri: Pkcs11Uri, id: Uint8Array): Attribute[] {
  const yes = [cka.token, cka.private, cka.sensitive, cka.encrypt, cka.decrypt]
  const no = [cka.extractable, cka.wrap, cka.unwrap, cka.sign, cka.verify, cka.derive, cka.modifiable]
  return [
    { type: cka.class, value: cko.secretKey }, { type: cka.keyType, value: ckk.aes },
    { type: cka.valueLength, value: keyBytes }, { type: cka.label, value: uri.object }, { type: cka.id, value: Buffer.from(id) },
    ...yes.map((type) => ({ type, value: true })), ...no.map((type) => ({ type, value: false })),
  ]
}

function proven({ cryptoki, session, uri }: Place, key: TokenKey): TokenKey {
  for (const [type, wanted, message] of required) {
    const value = readAttribute(cryptoki, session, key.handle, type)
    const has = typeof wanted === 'boolean' ? value.length === 1 && value[0] === Number(wanted) : ulong(value) === wanted
    if (!has) throw refused(uri, message)
  }
  if (key.rootId === '') throw refused(uri, 'has no CKA_ID: set one, so that wrapped keys can name their root')
  return key
}

/** From CKA_ID, which a clone of the token keeps: the same key in a second HSM is the same root. Empty where it has none. */
export function rootIdOf(id: Uint8Array): string {
  if (id.length === 0) return ''
  const digest = createHash('sha256').update(lengthPrefixed('ngome/root-id/pkcs11', id)).digest('hex')
  return digest.slice(0, 2 * rootIdBytes)
}

function readAttribute(cryptoki: Cryptoki, session: Handle, handle: Handle, type: number): Buffer {
  const value = cryptoki.C_GetAttributeValue(session, handle, [{ type }])[0]?.value
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0)
}

/** A CK_ULONG has the machine's size and byte order; every machine that we run on is little endian. */
function ulong(value: Buffer): number {
  return value.length === 0 || value.length > 8 ? Number.NaN : Number(Buffer.concat([value, Buffer.alloc(8)]).readBigUInt64LE())
}

function refused(uri: Pkcs11Uri, message: string): Fault {
  return new Fault('custodian/start_refused', `the root key ${uri.object} ${message}`)
}
