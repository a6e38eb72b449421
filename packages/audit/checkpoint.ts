import { createHash, sign, verify, type KeyObject } from 'node:crypto'
import { equalsInConstantTime } from '@ngome/kernel'
import { emptyRoot, hashBytes } from './hash.ts'
import type { TreeHead } from './verify.ts'

/** The head of a log as its text says it, before anybody's signature is believed. */
export type Checkpoint = TreeHead & { readonly origin: string }

export type NoteSignature = { readonly name: string; readonly keyId: number; readonly signature: Uint8Array }

/** A checkpoint that is well formed. Nothing in it is proven: only {@link openCheckpoint} does that. */
export type ParsedCheckpoint = {
  readonly checkpoint: Checkpoint
  /** What the signatures are over: the three lines with their ends. */
  readonly body: string
  readonly signatures: readonly NoteSignature[]
}

/** Sixteen of the largest signatures that there are, of 5 KB each, fit (c2sp.org/signed-note, "Format"). */
export const checkpointCharactersMax = 131_072
export const signaturesMax = 16

const keyIdBytes = 4
const ed25519Type = 1
const decimal = /^(?:0|[1-9][0-9]{0,15})$/
/** Printable, without spaces of any script and without the plus that parts a name from its key. */
const noteName = /^[^\s\p{Z}\p{C}+]{1,255}$/u
const signatureLine = /^— ([^ ]+) ([^ ]+)$/

/**
 * Writes and signs a checkpoint: c2sp.org/tlog-checkpoint in a c2sp.org/signed-note with one Ed25519 signature, whose
 * key is named as the log is.
 * @throws RangeError for what would not be read back
 */
export function signCheckpoint(checkpoint: Checkpoint, keys: { readonly privateKey: KeyObject; readonly publicKey: KeyObject }): string {
  const { origin, size, root } = checkpoint
  const body = `${origin}\n${size}\n${toBase64(root)}\n`
  const keyId = Buffer.alloc(keyIdBytes)
  keyId.writeUInt32BE(noteKeyId(origin, keys.publicKey))
  const signature = sign(null, Buffer.from(body, 'utf8'), keys.privateKey)
  const text = `${body}\n— ${origin} ${toBase64(Buffer.concat([keyId, signature]))}\n`
  if (parseCheckpoint(text) === undefined) throw new RangeError('a checkpoint that nobody could read')
  return text
}

/**
 * Reads a checkpoint, strictly: one text for one meaning. Extension lines, which nobody could audit, are refused.
 * @returns `undefined` for everything else
 */
export function parseCheckpoint(text: string): ParsedCheckpoint | undefined {
  if (text.length > checkpointCharactersMax || !text.isWellFormed()) return undefined
  const lines = text.split('\n')
  const [origin = '', size = '', root = '', blank, ...rest] = lines
  if (blank !== '' || rest.pop() !== '' || rest.length === 0 || rest.length > signaturesMax) return undefined
  const checkpoint = parseHead(origin, size, root)
  const signatures = rest.map(parseSignature).filter((signature) => signature !== undefined)
  if (checkpoint === undefined || signatures.length !== rest.length) return undefined
  return { checkpoint, body: `${origin}\n${size}\n${root}\n`, signatures }
}

/**
 * Believes a checkpoint of this origin that this key has signed. Signatures of keys that we do not know are for others,
 * such as witnesses, and are ignored; one of ours that is wrong, or there twice, spoils the whole note.
 * @returns `undefined` for everything else, whatever the reason
 */
export function openCheckpoint(
  text: string, { origin, publicKey }: { readonly origin: string; readonly publicKey: KeyObject },
): Checkpoint | undefined {
  const parsed = parseCheckpoint(text)
  if (parsed === undefined || parsed.checkpoint.origin !== origin) return undefined
  const keyId = noteKeyId(origin, publicKey)
  const [ours, ...more] = parsed.signatures.filter((one) => one.name === origin && one.keyId === keyId)
  if (ours === undefined || more.length > 0) return undefined
  return verify(null, Buffer.from(parsed.body, 'utf8'), publicKey, ours.signature) ? parsed.checkpoint : undefined
}

/** What a signature line says of its key: the first four bytes of a hash, big endian (c2sp.org/signed-note, "Signatures"). */
export function noteKeyId(name: string, publicKey: KeyObject): number {
  if (publicKey.asymmetricKeyType !== 'ed25519') throw new TypeError('checkpoints are signed with Ed25519')
  const raw = Buffer.from(String(publicKey.export({ format: 'jwk' }).x), 'base64url')
  return createHash('sha256').update(`${name}\n`, 'utf8').update(Uint8Array.of(ed25519Type)).update(raw).digest().readUInt32BE()
}

function parseHead(origin: string, sizeText: string, rootText: string): Checkpoint | undefined {
  const size = decimal.test(sizeText) ? Number(sizeText) : NaN
  const root = parseBase64(rootText)
  if (!noteName.test(origin) || !Number.isSafeInteger(size) || root?.length !== hashBytes) return undefined
  // There is one tree without leaves.
  if (size === 0 && !equalsInConstantTime(root, emptyRoot)) return undefined
  return { origin, size, root }
}

function parseSignature(line: string): NoteSignature | undefined {
  const [, name = '', encoded = ''] = signatureLine.exec(line) ?? []
  const bytes = parseBase64(encoded)
  if (!noteName.test(name) || bytes === undefined || bytes.length <= keyIdBytes) return undefined
  return { name, keyId: Buffer.from(bytes).readUInt32BE(), signature: bytes.subarray(keyIdBytes) }
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

/** Standard Base 64 with its padding, canonical (RFC 4648 §4): Node skips what it does not know. */
function parseBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}
