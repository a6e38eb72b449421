import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import {
  generateMerchantKeyPair, makeDataKey, signStatement, verifyStatement, type DataKey,
  type MerchantKeyStatement, type SuiteName,
} from '@ngome/envelope'
import { ManualClock, newId, systemRandom, type Secret, type SignerId, type Tenant } from '@ngome/kernel'

const startMs = 1_800_000_000_000
const hourMs = 3_600_000

/** Everybody who has a part in a sealed record, in one place: custodian, gateway, merchant key, data key. */
export type SealingParties = {
  readonly clock: ManualClock
  readonly tenant: Tenant
  readonly custodian: { readonly publicKey: KeyObject; readonly privateKey: KeyObject }
  readonly signer: { readonly id: SignerId; readonly publicKey: KeyObject; readonly privateKey: KeyObject }
  readonly merchantKey: { readonly publicKey: Uint8Array; readonly privateKey: Secret<Uint8Array> }
  readonly statement: MerchantKeyStatement
  readonly dataKey: DataKey
}

export async function newSealingParties(suite: SuiteName = 'hybrid'): Promise<SealingParties> {
  const clock = new ManualClock(startMs)
  const from = { clock, random: systemRandom }
  const tenant: Tenant = { merchant: newId('merchant', from), world: 'test' }
  const custodian = generateKeyPairSync('ed25519')
  const signer = { id: newId('signer', from), ...generateKeyPairSync('ed25519') }
  const merchantKey = await generateMerchantKeyPair(suite)
  const statement: MerchantKeyStatement = {
    keyId: newId('merchantKey', from), tenant, retention: 'payment', period: startMs / hourMs, suite,
    notBeforeMs: startMs, notAfterMs: startMs + hourMs, publicKey: merchantKey.publicKey,
  }
  const verified = verifyStatement(signStatement(statement, custodian.privateKey), custodian.publicKey)
  const dataKey = await makeDataKey({ statement: verified, signer, ...from })
  return { clock, tenant, custodian, signer, merchantKey, statement, dataKey }
}
