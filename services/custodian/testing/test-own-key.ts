import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { newApiKey } from '@ngome/access'
import type { CustodianRequest } from '@ngome/contracts'
import { newId, systemRandom, toBase64Url, type Clock, type MerchantSigningKeyId, type Tenant } from '@ngome/kernel'
import { digestOf, signRaw, type SignatureAttack, type SignedRequest, type SigningOptions } from '@ngome/testkit'
import type { IssuedKey } from './test-api-key.ts'
import type { TestCustodian } from './test-custodian.ts'

export type OwnKeyRequest = CustodianRequest<'/v1/own-api-key'>
export type StatedKey = OwnKeyRequest['signingKey'] & { readonly tenant: Tenant; readonly privateKey: KeyObject }

/** A merchant's key as the operator's command has it stated. */
export async function stateKey(test: TestCustodian, tenant: Tenant, uses: readonly ('sign' | 'encrypt')[] = ['sign']): Promise<StatedKey> {
  const { publicKey, privateKey } = uses.includes('encrypt') ? generateKeyPairSync('rsa', { modulusLength: 3_072 }) : generateKeyPairSync('ed25519')
  const id: MerchantSigningKeyId = newId('merchantSigningKey', { clock: test.clock, random: systemRandom })
  const expires = new Date(test.clock.nowMs() + 86_400_000).toISOString()
  const { algorithm, spki, proof } = await test.call(await test.peer('operator'), '/v1/merchant-signing-key', {
    ...tenant, key: id, from: { spki: toBase64Url(publicKey.export({ format: 'der', type: 'spki' })) }, uses: [...uses], expires,
  })
  return { id, algorithm, spki, uses: [...uses], expires, proof, tenant, privateKey }
}

/** What a merchant sends for a key that reads payments. */
export const wantedKey = { name: 'shop', scopes: ['payments:read'] }

let made = 0
export function signedRequest(target = '/v1/api_keys', body: object = wantedKey): SignedRequest {
  const text = JSON.stringify(body)
  return {
    method: 'POST', target, host: 'api.example', body: text,
    headers: { 'content-digest': digestOf(text), 'idempotency-key': `own-${++made}` },
  }
}

export function signerOf({ id, privateKey }: StatedKey, clock: Clock): SigningOptions {
  return { keyId: id, createdS: Math.floor(clock.nowMs() / 1_000), sign: (base) => sign(null, base, privateKey) }
}

/** What a gateway makes of a signed request, for a key of its making. */
export function ownKeyRequest(
  { clock }: Pick<TestCustodian, 'clock'>, key: StatedKey,
  { request = signedRequest(), attack = ({ request: same, signer }) => signRaw(same, signer), rolled = null }: {
    readonly request?: SignedRequest; readonly attack?: SignatureAttack; readonly rolled?: OwnKeyRequest['rolled']
  } = {},
): OwnKeyRequest {
  const { method, target, host, body, headers } = attack({ request, signer: signerOf(key, clock) })
  const { tenant, privateKey: _private, ...signingKey } = key
  const { id, digest } = newApiKey({ world: tenant.world, clock, random: systemRandom })
  return {
    ...tenant, key: id, digest: toBase64Url(digest), signingKey, rolled,
    signed: {
      method, target, host, body: toBase64Url(Buffer.from(body)), contentDigest: headers['content-digest'] ?? '',
      idempotencyKey: headers['idempotency-key'] ?? '', signatureInput: headers['signature-input'] ?? '', signature: headers['signature'] ?? '',
    },
  }
}

/** The row of a key, as the gateway shows it with a request to roll it. */
export function rowOf({ id, settings, statement }: IssuedKey): NonNullable<OwnKeyRequest['rolled']> {
  return { key: id, settings, ...statement }
}
