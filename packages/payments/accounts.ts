import { createHash } from 'node:crypto'
import { lengthPrefixed, type AccountId, type Currency, type Tenant } from '@ngome/kernel'

/**
 * `merchant_available` is what we owe the merchant; `provider_clearing` is what a payment network owes us on the
 * merchant's behalf until it settles; `platform_fees` is what the operator took of the merchant's payments. `merchant_settlement` is what
 * was taken out to be paid to the merchant's bank, and `operator_bank` what the operator's bank paid of it. `suspense` holds what a
 * network's books and ours differ by until somebody says whose it is; `merchant_debt`, never above zero, is what the merchant owes us.
 */
export const accountKinds = [
  'merchant_available', 'provider_clearing', 'platform_fees', 'merchant_settlement', 'operator_bank', 'suspense', 'merchant_debt',
] as const
export type AccountKind = (typeof accountKinds)[number]

export type Account = {
  readonly id: AccountId
  readonly tenant: Tenant
  readonly kind: AccountKind
  /** The network whose it is; empty for accounts that belong to none. */
  readonly network: string
  readonly currency: Currency
}

/**
 * The account of this kind. Its id is derived from what it is, so that two payments that need the same account at the
 * same time agree on it without asking the database.
 * @param network the payment network, for `provider_clearing` and `suspense`; a merchant's available money has none
 */
export function accountFor(tenant: Tenant, kind: AccountKind, network: string, currency: Currency): Account {
  const ownNetwork = kind === 'provider_clearing' || kind === 'suspense' ? network : ''
  const digest = createHash('sha256')
    .update(lengthPrefixed('ngome/account/v1', tenant.merchant, tenant.world, kind, ownNetwork, currency))
    .digest()
  return { id: accountId(digest), tenant, kind, network: ownNetwork, currency }
}

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

// 128 bits of the digest in the same alphabet as every id; the first character holds three bits only.
function accountId(digest: Uint8Array): AccountId {
  let rest = 0n
  for (const byte of digest.subarray(0, 16)) rest = (rest << 8n) | BigInt(byte)
  let text = ''
  for (let at = 0; at < 26; at++) {
    text = alphabet.charAt(Number(rest & 31n)) + text
    rest >>= 5n
  }
  return `acc_${text}` as AccountId
}
