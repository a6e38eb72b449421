import { createHash } from 'node:crypto'
import { Fault, lengthPrefixed, type Random } from '@ngome/kernel'
import type { Pkcs11Uri } from '@ngome/runtime'
import { rootIdBytes } from '../wrapped-key.ts'
import { cka, ckk, ckm, cko, type Attribute, type Cryptoki, type Handle } from './cryptoki.ts'

export type TokenKey = { readonly handle: Handle; readonly rootId: string }

const keyBytes = 32
const idBytes = 16

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

/**
 * Finds the root key in an open session, or makes it, and proves that it never left the token.
 * @throws Fault `custodian/start_refused` where it is missing, double, or not as it must be
 */
export async function findTokenKey(
  { cryptoki, session, uri, random }: {
    readonly cryptoki: Cryptoki; readonly session: Handle; readonly uri: Pkcs11Uri; readonly random: Random
  }, mayCreate: boolean,
): Promise<TokenKey> {
  const found = findObjects(cryptoki, session, uri)
  if (found.length > 1) throw refused(uri, 'is there twice: give the URI the id= of the right one')
  let [handle] = found
  if (handle === undefined) {
    if (!mayCreate) throw refused(uri, 'is missing, and the store needs it: restore the token from its backup')
    handle = await cryptoki.C_GenerateKeyAsync(session, { mechanism: ckm.aesKeyGen }, template(uri, random))
  }
  assertNeverLeft(cryptoki, session, uri, handle)
  return { handle, rootId: rootIdOf(cryptoki, session, uri, handle) }
}

function findObjects(cryptoki: Cryptoki, session: Handle, uri: Pkcs11Uri): readonly Handle[] {
  cryptoki.C_FindObjectsInit(session, [
    { type: cka.class, value: cko.secretKey }, { type: cka.label, value: uri.object },
    ...(uri.id === undefined ? [] : [{ type: cka.id, value: Buffer.from(uri.id, 'hex') }]),
  ])
  const found = cryptoki.C_FindObjects(session, 2)
  cryptoki.C_FindObjectsFinal(session)
  return found
}

function template(uri: Pkcs11Uri, random: Random): Attribute[] {
  const id = uri.id === undefined ? Buffer.from(random.bytes(idBytes)) : Buffer.from(uri.id, 'hex')
  const yes = [cka.token, cka.private, cka.sensitive, cka.encrypt, cka.decrypt]
  const no = [cka.extractable, cka.wrap, cka.unwrap, cka.sign, cka.verify, cka.derive, cka.modifiable]
  return [
    { type: cka.class, value: cko.secretKey }, { type: cka.keyType, value: ckk.aes },
    { type: cka.valueLength, value: keyBytes }, { type: cka.label, value: uri.object }, { type: cka.id, value: id },
    ...yes.map((type) => ({ type, value: true })), ...no.map((type) => ({ type, value: false })),
  ]
}

function assertNeverLeft(cryptoki: Cryptoki, session: Handle, uri: Pkcs11Uri, handle: Handle): void {
  for (const [type, wanted, message] of required) {
    const value = readAttribute(cryptoki, session, handle, type)
    const has = typeof wanted === 'boolean' ? value.length === 1 && value[0] === Number(wanted) : ulong(value) === wanted
    if (!has) throw refused(uri, message)
  }
}

/** From CKA_ID, which a clone of the token keeps: the same key in a second HSM is the same root. */
function rootIdOf(cryptoki: Cryptoki, session: Handle, uri: Pkcs11Uri, handle: Handle): string {
  const id = readAttribute(cryptoki, session, handle, cka.id)
  if (id.length === 0) throw refused(uri, 'has no CKA_ID: set one, so that wrapped keys can name their root')
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
