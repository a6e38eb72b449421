import type { Clock } from './clock.ts'
import type { Random } from './random.ts'

/** Every kind of id, with the prefix that it wears everywhere: on the wire, in rows and in logs. */
export const idPrefixes = {
  merchant: 'mer',
  apiKey: 'key',
  payment: 'pay',
  payout: 'pyt',
  refund: 'rfd',
  payoutBatch: 'pbt',
  payoutBatchPart: 'pbp',
  account: 'acc',
  attempt: 'att',
  event: 'evt',
  webhookEndpoint: 'whe',
  webhookDelivery: 'whd',
  callbackHint: 'cbh',
  vaultToken: 'tok',
  forward: 'fwd',
  forwardDestination: 'dst',
  dataKey: 'dek',
  merchantKey: 'mek',
  merchantSigningKey: 'msk',
  signer: 'sig',
  rotation: 'rot',
  destruction: 'des',
  request: 'req',
  alert: 'alt',
  staff: 'stf',
  tlsCheck: 'tlc',
  acmeOrder: 'aco',
  gatewayInstance: 'gwi',
  checkoutSession: 'cos',
  settlement: 'stl',
  adjustment: 'adj',
} as const

export type IdKind = keyof typeof idPrefixes
export type Id<K extends IdKind> = `${(typeof idPrefixes)[K]}_${string}` & { readonly __id: K }

export type MerchantId = Id<'merchant'>
export type ApiKeyId = Id<'apiKey'>
/** A movement of money, whichever way: a collection, a payout or a refund. */
export type PaymentId = Id<'payment' | 'payout' | 'refund'>
export type AccountId = Id<'account'>
export type AttemptId = Id<'attempt'>
export type EventId = Id<'event'>
export type WebhookEndpointId = Id<'webhookEndpoint'>
export type WebhookDeliveryId = Id<'webhookDelivery'>
export type CallbackHintId = Id<'callbackHint'>
export type VaultTokenId = Id<'vaultToken'>
export type ForwardId = Id<'forward'>
export type ForwardDestinationId = Id<'forwardDestination'>
export type DataKeyId = Id<'dataKey'>
export type MerchantKeyId = Id<'merchantKey'>
export type MerchantSigningKeyId = Id<'merchantSigningKey'>
export type RotationId = Id<'rotation'>
export type DestructionId = Id<'destruction'>
export type SignerId = Id<'signer'>
export type RequestId = Id<'request'>
export type AlertId = Id<'alert'>
export type StaffId = Id<'staff'>
export type TlsCheckId = Id<'tlsCheck'>
export type AcmeOrderId = Id<'acmeOrder'>
export type GatewayInstanceId = Id<'gatewayInstance'>
export type CheckoutSessionId = Id<'checkoutSession'>
/** Money of a merchant's that is paid to its bank. */
export type SettlementId = Id<'settlement'>
/** What the operator corrected in the books. */
export type AdjustmentId = Id<'adjustment'>
/** What a transfer of the ledger belongs to. */
export type LedgerDocumentId = PaymentId | SettlementId | AdjustmentId
export type PayoutBatchId = Id<'payoutBatch'>
export type PayoutBatchPartId = Id<'payoutBatchPart'>

/** Makes an id from a UUID of version 7 (RFC 9562 §5.7): ids of one kind sort by the time they were made. */
export function newId<K extends IdKind>(kind: K, from: { readonly clock: Clock; readonly random: Random }): Id<K> {
  const random = from.random.bytes(idRandomBytes)
  if (random.length !== idRandomBytes) throw new RangeError('a source that gave another number of bytes')
  return idOf(kind, from.clock.nowMs(), random, 0)
}

/** The id of a time and of the {@link idRandomBytes} bytes that stand at `at` in an array. */
export function idOf<K extends IdKind>(kind: K, nowMs: number, random: Uint8Array, at: number): Id<K> {
  layUuidV7(nowMs, random, at)
  return `${idPrefixes[kind]}_${toBase32(uuid)}` as Id<K>
}

/** @returns the id, or `undefined` where the text is not an id of this kind in its one canonical form. */
export function parseId<K extends IdKind>(kind: K, text: string): Id<K> | undefined {
  return patterns[kind].test(text) ? (text as Id<K>) : undefined
}

/** @returns the id of a movement of money, whichever way it goes, or `undefined` where the text is none */
export function parsePaymentId(text: string): PaymentId | undefined {
  return parseId('payment', text) ?? parseId('payout', text) ?? parseId('refund', text)
}

/** The pattern of an id of this kind, for schemas. */
export function idPattern(kind: IdKind): RegExp {
  return patterns[kind]
}

/** When the id was made, in milliseconds. */
export function idCreatedAtMs(id: Id<IdKind>): number {
  return Number(fromBase32(id.slice(id.indexOf('_') + 1)) >> 80n)
}

// Crockford's base 32 in lower case, 26 characters for 128 bits, as the TypeID specification writes them. The first
// character holds two spare bits, so that it is at most '7'.
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
const suffixLength = 26
/** What a UUID of version 7 takes beside its time, with its six bits of version and variant. */
export const idRandomBytes = 10
/** Two characters for each ten bits. */
const pairBits = 10
const pairs = Array.from({ length: 1 << pairBits }, (_, bits) => alphabet.charAt(bits >> 5) + alphabet.charAt(bits & 31))

const patterns = Object.fromEntries(
  Object.entries(idPrefixes).map(([kind, prefix]) => [kind, new RegExp(`^${prefix}_[0-7][${alphabet}]{25}$`)]),
) as Record<IdKind, RegExp>

/** The one that is being written: a new array for each id would cost more than all the rest of it. */
const uuid = new Uint8Array(16)
const timeBytes = 6

function layUuidV7(nowMs: number, random: Uint8Array, from: number): void {
  if (!(nowMs >= 0 && nowMs < 2 ** (timeBytes * 8))) throw new RangeError('a time that six bytes do not hold')
  // Beyond 32 bits, where shifts end.
  let rest = nowMs
  for (let at = timeBytes - 1; at >= 0; at--) {
    uuid[at] = rest
    rest = Math.floor(rest / 256)
  }
  for (let at = 0; at < idRandomBytes; at++) uuid[timeBytes + at] = random[from + at] ?? 0
  uuid[6] = 0x70 | ((uuid[6] ?? 0) & 0x0f)
  uuid[8] = 0x80 | ((uuid[8] ?? 0) & 0x3f)
}

/** 128 bits behind the two spare ones, two characters at a time: every request and every row gets an id. */
function toBase32(bytes: Uint8Array): string {
  let text = ''
  let pending = 0
  let pendingBits = suffixLength * 5 - bytes.length * 8
  for (const byte of bytes) {
    pending = (pending << 8 | byte) & 0x3_ffff
    pendingBits += 8
    if (pendingBits < pairBits) continue
    pendingBits -= pairBits
    text += pairs[pending >> pendingBits & (1 << pairBits) - 1]
  }
  return text
}

function fromBase32(text: string): bigint {
  let value = 0n
  for (const character of text) value = value << 5n | BigInt(alphabet.indexOf(character))
  return value
}
