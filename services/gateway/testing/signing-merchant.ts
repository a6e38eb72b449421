import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import type { ApiKeySettings } from '@ngome/access'
import { systemClock, type MerchantSigningKeyId } from '@ngome/kernel'
import { digestOf, signRaw, type Answer, type SignedRequest } from '@ngome/testkit'
import type { TestGateway, TestMerchant } from './test-gateway.ts'

let serial = 0

/** A person of a merchant, who has an API key and a key to sign with. */
export class SigningMerchant {
  readonly merchant: TestMerchant
  readonly publicKey: KeyObject
  readonly keyId: MerchantSigningKeyId
  readonly #privateKey: KeyObject
  readonly #port: number

  private constructor(running: TestGateway, merchant: TestMerchant, keyId: MerchantSigningKeyId, pair: { readonly publicKey: KeyObject; readonly privateKey: KeyObject }) {
    this.#port = running.port
    this.merchant = merchant
    this.keyId = keyId
    this.publicKey = pair.publicKey
    this.#privateKey = pair.privateKey
  }

  static async of(running: TestGateway, merchant: TestMerchant): Promise<SigningMerchant> {
    const pair = generateKeyPairSync('ed25519')
    return new SigningMerchant(running, merchant, await running.addSigningKey(merchant, pair.publicKey), pair)
  }

  /** Another person of the same merchant: an API key and a signing key of its own. */
  static async beside(running: TestGateway, { merchant }: SigningMerchant, settings: Partial<ApiKeySettings> = {}): Promise<SigningMerchant> {
    return SigningMerchant.of(running, await running.issueKey(merchant.tenant, settings))
  }

  /** The same signing key with another API key. */
  with(running: TestGateway, merchant: TestMerchant): SigningMerchant {
    return new SigningMerchant(running, merchant, this.keyId, { publicKey: this.publicKey, privateKey: this.#privateKey })
  }

  /** @param idempotencyKey `null`: none */
  request(path: string, body?: unknown, idempotencyKey: string | null = `s-${++serial}`): SignedRequest {
    const text = body === undefined ? '' : JSON.stringify(body)
    const plain = {
      method: 'POST', target: path, host: `localhost:${this.#port}`, body: text,
      headers: {
        ...text === '' ? {} : { 'content-digest': digestOf(text), 'content-type': 'application/json' },
        ...idempotencyKey === null ? {} : { 'idempotency-key': idempotencyKey },
      },
    }
    return signRaw(plain, {
      keyId: this.keyId, createdS: Math.floor(systemClock.nowMs() / 1_000), sign: (base) => sign(null, base, this.#privateKey),
    })
  }

  /** Sends exactly this. */
  send({ target, host, body, headers }: SignedRequest): Promise<Answer> {
    return this.merchant.client.call({ method: 'POST', path: target, headers: { host, ...headers }, ...body === '' ? {} : { text: body } })
  }

  post(path: string, body?: unknown, idempotencyKey?: string | null): Promise<Answer> {
    return this.send(this.request(path, body, idempotencyKey))
  }

  get(path: string): Promise<Answer> {
    return this.merchant.client.call({ path })
  }
}
