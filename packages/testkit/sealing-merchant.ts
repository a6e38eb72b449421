import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import {
  emit, forwardAnswerSchema, type CustodianRequest, type CustodianResponse, type ForwardAnswer, type ObjectEventType, type PaymentDirection,
  type RetentionClass,
  type SealedForward, type SealedPayment, type SealedVaultToken, type VaultTokenType, type WebhookEncryption,
} from '@ngome/contracts'
import {
  deriveClientSealedKey, deriveRecordKey, generateMerchantKeyPair, makeDataKey, openSealedDataKey, sealRecord, signStatement, verifyStatement, type DataKey,
  type MerchantKeyStatement, type RecordContext,
} from '@ngome/envelope'
import {
  Fault, newId, parseBase64Url, parseId, systemClock, systemRandom, toBase64Url, type CallbackHintId, type Currency, type DataKeyId,
  type ForwardDestinationId, type ForwardId, type PaymentId, Secret, type Tenant, type VaultTokenId, type WebhookEndpointId, type World,
} from '@ngome/kernel'
import { firstEvent, maskPhone, proveEvent } from '@ngome/payments'
import { VaultKey } from '@ngome/sealer'
import { decryptForwardAnswer, newWebhookSecret, proveWebhookTerms, signDestination, type ForwardDestination } from '@ngome/signatures'
import {
  acceptPayment, addMerchant, insertDataKey, insertForward, insertForwardDestination, insertVaultTokens, insertWebhookEndpoint, replaceWebhookSecret,
  recordCallbackHint, type ApprovalParty, type Database,
} from '@ngome/store'
import type { TestDatabase } from './postgres.ts'

const from = { clock: systemClock, random: systemRandom }
const hourMs = 3_600_000
/** Of all forwards' answers here. */
const answerKey = systemRandom.bytes(32)

export type AllowedAddressOptions = Partial<Pick<ForwardDestination, 'methods' | 'certificateSha256' | 'authority' | 'expiresAtMs'>>

export type SealedPaymentOptions = {
  /** Of a payment by card it says nothing. */
  readonly phone: string
  /** A collection by card: the token, and the mask that it was accepted with. */
  readonly card?: { readonly token: VaultTokenId; readonly masked: string }
  readonly network?: string
  readonly callingCode?: string
  readonly amountMinor?: bigint
  readonly currency?: Currency
  readonly description?: string | null
  readonly reference?: string
  /** A collection where it is not said. */
  readonly direction?: PaymentDirection
  /** Of a refund: the collection that it gives back. */
  readonly original?: PaymentId
  readonly createdAtMs?: number
  /** Of a payout that waits for a second person: who asks for one. */
  readonly askedBy?: ApprovalParty
  /** What is sealed in place of what the columns say. */
  readonly sealed?: Partial<SealedPayment>
  /** The record that the blob is sealed for, where it is not this payment. */
  readonly context?: Partial<RecordContext>
  /** That gateway and dispatcher share: without it nobody proves that it was accepted. */
  readonly eventSecret?: Secret<Uint8Array>
}

export type SealedTokenOptions = {
  readonly expiresAtMs?: number
  readonly sealed?: Partial<SealedVaultToken>
  /** What a client sealed, in place of the value. */
  readonly clientSealed?: string
  readonly context?: Partial<RecordContext>
}

/**
 * A merchant whose records are really sealed, as the gateway seals them, and the custodian's half that opens them: for
 * tests of the dispatcher.
 */
export class SealingMerchant {
  readonly tenant: Tenant
  readonly #gateway: Database
  readonly #privateKey: Secret<Uint8Array>
  readonly #signer: { readonly publicKey: KeyObject }
  readonly #dataKeys: Readonly<Record<RetentionClass, DataKey>>
  readonly #vaultKey: VaultStatement

  private constructor(
    tenant: Tenant, gateway: Database, privateKey: Secret<Uint8Array>, signer: { readonly publicKey: KeyObject },
    dataKeys: Readonly<Record<RetentionClass, DataKey>>, vaultKey: VaultStatement,
  ) {
    this.tenant = tenant
    this.#gateway = gateway
    this.#privateKey = privateKey
    this.#signer = signer
    this.#dataKeys = dataKeys
    this.#vaultKey = vaultKey
  }

  static async create(database: TestDatabase, world: World = 'test'): Promise<SealingMerchant> {
    const tenant: Tenant = { merchant: newId('merchant', from), world }
    const operator = database.open('ngome_operator', { poolMax: 1 })
    await addMerchant(operator, { id: tenant.merchant, name: 'Sealing merchant', createdAtMs: from.clock.nowMs() },
      emit({ ...from, process: 'operator' }, 'merchant.created', { merchant: tenant.merchant, world: null }, {}))
    const { publicKey, privateKey } = await generateMerchantKeyPair('hybrid')
    const keys = generateKeyPairSync('ed25519')
    const signer = { id: newId('signer', from), privateKey: keys.privateKey }
    const gateway = database.open('ngome_gateway', { poolMax: 4 })
    const statementOf = (retention: RetentionClass): MerchantKeyStatement => {
      const nowMs = from.clock.nowMs()
      return {
        keyId: newId('merchantKey', from), tenant, retention, period: 1, notBeforeMs: nowMs - hourMs,
        notAfterMs: nowMs + hourMs, suite: 'hybrid', publicKey,
      }
    }
    const vault = statementOf('vault')
    const make = async (retention: RetentionClass): Promise<DataKey> => {
      const signed = signStatement(retention === 'vault' ? vault : statementOf(retention), keys.privateKey)
      const statement = verifyStatement(signed, keys.publicKey)
      const dataKey = await makeDataKey({ statement, signer, ...from })
      await insertDataKey(gateway, { id: dataKey.id, tenant, retention, sealed: dataKey.sealed, createdAtMs: dataKey.createdAtMs })
      return dataKey
    }
    const dataKeys = { payment: await make('payment'), credential: await make('credential'), vault: await make('vault') }
    return new SealingMerchant(tenant, gateway, privateKey, { publicKey: keys.publicKey }, dataKeys, {
      statement: vault, signed: toBase64Url(signStatement(vault, keys.privateKey)), pin: keys.publicKey.export({ format: 'jwk' }).x ?? '',
    })
  }

  /** Accepts a payment, as the gateway does; its dispatch job is due at once. */
  async accept(options: SealedPaymentOptions): Promise<PaymentId> {
    const { tenant } = this
    const { phone, network = 'mtn-sandbox', callingCode = '46', amountMinor = 500n, currency = 'EUR', description = null } = options
    const { card, direction = 'collection', original = null, reference = 'order-42', createdAtMs = from.clock.nowMs() } = options
    const id = newId(({ collection: 'payment', payout: 'payout', refund: 'refund' } as const)[direction], from)
    const money = { amountMinor, currency }
    const sealed: SealedPayment = {
      ...card === undefined ? { payer: { phone } } : { card: { token: card.token, expiry: '2099-12', return_url: 'https://shop.example/back' } }, amount_minor: String(amountMinor), currency, direction, network,
      payee: tenant.merchant, description, reference, ...original === null ? {} : { original: parseId('payment', original) }, ...options.sealed,
    }
    const context: RecordContext = { tenant, table: 'payments', recordId: id, dataClass: 'restricted', version: 1, ...options.context }
    const payment = {
      id, status: options.askedBy === undefined ? 'accepted' : 'awaiting_approval', direction, network, money, feeMinor: 0n, original, reference,
      payerMasked: card?.masked ?? maskPhone(phone, callingCode),
      apiKey: newId('apiKey', from), dataKey: this.#dataKeys.payment.id,
      sealed: sealRecord(this.#dataKeys.payment, context, Buffer.from(JSON.stringify(sealed)), from.random), createdAtMs,
    } as const
    const { eventSecret } = options
    const outcome = await acceptPayment(this.#gateway, {
      tenant,
      payment,
      dayTotal: null,
      askedBy: options.askedBy,
      eventProof: eventSecret === undefined ? from.random.bytes(32) : proveEvent(eventSecret, firstEvent({ ...payment, ...money, tenant })),
      event: emit({ ...from, process: 'gateway' }, 'payment.accepted', tenant, { payment: id, status: 'accepted' }),
      idempotency: { keyHash: from.random.bytes(32), fingerprint: from.random.bytes(32), answer: { status: 201, body: '{}' } },
    })
    if (outcome.kind !== 'accepted') throw new Error(`not accepted: ${outcome.kind}`)
    return id
  }

  /** Seals a record of class restricted under the data key of payments. */
  sealRecord(table: string, recordId: string, plaintext: Uint8Array): { readonly dataKey: DataKeyId; readonly sealed: Uint8Array } {
    const key = this.#dataKeys.payment
    return { dataKey: key.id, sealed: sealRecord(key, { tenant: this.tenant, table, recordId, dataClass: 'restricted', version: 1 }, plaintext, from.random) }
  }

  /** Keeps a value in the vault, as the gateway does; its index job is due at once. */
  async keep(type: VaultTokenType, value: string, options: SealedTokenOptions = {}): Promise<VaultTokenId> {
    const { tenant } = this
    const id = newId('vaultToken', from)
    const createdAtMs = from.clock.nowMs()
    const expiresAtMs = options.expiresAtMs ?? null
    const sealed: SealedVaultToken = {
      type, ...(options.clientSealed === undefined ? { value } : { client_sealed: options.clientSealed }),
      expires_at: expiresAtMs === null ? null : new Date(expiresAtMs).toISOString(), ...options.sealed,
    }
    const context: RecordContext = { tenant, table: 'vault_tokens', recordId: id, dataClass: 'restricted', version: 1, ...options.context }
    await insertVaultTokens(this.#gateway, {
      tenant, atMs: createdAtMs,
      entries: [{
        token: {
          id, type, status: options.clientSealed === undefined ? 'active' : 'pending', network: null, masked: null, metadata: {}, apiKey: newId('apiKey', from), dataKey: this.#dataKeys.vault.id,
          sealed: sealRecord(this.#dataKeys.vault, context, Buffer.from(JSON.stringify(sealed)), from.random), createdAtMs, expiresAtMs,
        },
        event: emit({ ...from, process: 'gateway' }, 'vault.token_created', tenant, { token: id }),
      }],
      idempotency: { keyHash: from.random.bytes(32), fingerprint: from.random.bytes(32), answer: { status: 201, body: '{}' } },
    })
    return id
  }

  /** Seals a value as this merchant's client does; keep it with `clientSealed`. */
  async clientSeals(type: VaultTokenType, value: string): Promise<string> {
    const { signed, pin: statementKey } = this.#vaultKey
    return (await VaultKey.verify(signed, { statementKey, ...this.tenant, nowMs: from.clock.nowMs() })).seal(type, value)
  }

  /** Allows an address, as the operator does. */
  async allow(operator: Database, statementKey: KeyObject, url: string, options: AllowedAddressOptions = {}): Promise<ForwardDestinationId> {
    const { tenant } = this
    const id = newId('forwardDestination', from)
    const destination = {
      id, tenant, url, methods: ['POST', 'GET'], certificateSha256: null, authority: null, expiresAtMs: from.clock.nowMs() + hourMs, ...options,
    }
    const event = emit({ ...from, process: 'operator' }, 'forward_destination.allowed', tenant, { destination: id })
    await insertForwardDestination(operator, { ...destination, proof: signDestination(destination, statementKey) }, from.clock.nowMs(), event)
    return id
  }

  /** Accepts a forward, as the gateway does; its job is due at once. */
  async forward(destination: ForwardDestinationId, template: Pick<SealedForward, 'url'> & Partial<SealedForward>): Promise<ForwardId> {
    const { tenant } = this
    const id = newId('forward', from)
    const sealed: SealedForward = {
      destination, method: 'POST', headers: {}, json: null, form: null, answer_key: toBase64Url(answerKey), ...template,
    }
    const context: RecordContext = { tenant, table: 'forwards', recordId: id, dataClass: 'restricted', version: 1 }
    await insertForward(this.#gateway, {
      tenant,
      forward: {
        id, destination, apiKey: newId('apiKey', from), dataKey: this.#dataKeys.vault.id, createdAtMs: from.clock.nowMs(),
        sealed: sealRecord(this.#dataKeys.vault, context, Buffer.from(JSON.stringify(sealed)), from.random),
      },
      event: emit({ ...from, process: 'gateway' }, 'forward.accepted', tenant, { forward: id, destination }),
      idempotency: { keyHash: from.random.bytes(32), fingerprint: from.random.bytes(32), answer: { status: 202, body: '{}' } },
    })
    return id
  }

  /** What a forward's answer says. */
  forwardAnswer(id: ForwardId, blob: Uint8Array): ForwardAnswer {
    const plaintext = decryptForwardAnswer(new Secret(answerKey), this.tenant, id, blob) ?? new Uint8Array()
    return forwardAnswerSchema.parse(JSON.parse(Buffer.from(plaintext).toString('utf8')))
  }

  /** Adds a webhook endpoint, as the gateway does with the secret that it shares with the dispatcher. @returns its secret */
  async addEndpoint(
    termsSecret: Secret<Uint8Array>, url: string, encryption: WebhookEncryption = 'none', eventTypes: readonly ObjectEventType[] | null = null,
  ): Promise<{ id: WebhookEndpointId; secret: Secret<string> }> {
    const { tenant } = this
    const id = newId('webhookEndpoint', from)
    const secret = newWebhookSecret(from.random)
    const sealedSecret = this.#sealSecret(id, 1, secret)
    await insertWebhookEndpoint(this.#gateway, {
      tenant,
      endpoint: {
        id, url, encryption, eventTypes, termsProof: proveWebhookTerms(termsSecret, { id, tenant, url, encryption, eventTypes }),
        dataKey: this.#dataKeys.credential.id, sealedSecret, createdAtMs: from.clock.nowMs(),
      },
      event: emit({ ...from, process: 'gateway' }, 'webhook_endpoint.created', tenant, { endpoint: id }),
      idempotency: { keyHash: from.random.bytes(32), fingerprint: from.random.bytes(32), answer: { status: 201, body: '{}' } },
    })
    return { id, secret }
  }

  /** Gives an endpoint its next secret, as the gateway does. @returns that secret */
  async replaceSecret(endpoint: WebhookEndpointId, version: number, previousEndsAtMs: number): Promise<Secret<string>> {
    const { tenant } = this
    const secret = newWebhookSecret(from.random)
    await replaceWebhookSecret(this.#gateway, {
      tenant,
      secret: {
        endpoint, version, dataKey: this.#dataKeys.credential.id, sealed: this.#sealSecret(endpoint, version, secret),
        createdAtMs: from.clock.nowMs(),
      },
      previousEndsAtMs,
      event: emit({ ...from, process: 'gateway' }, 'webhook_endpoint.secret_rolled', tenant, {
        endpoint, version, previous_ends_at: new Date(previousEndsAtMs).toISOString(),
      }),
      idempotency: { keyHash: from.random.bytes(32), fingerprint: from.random.bytes(32), answer: { status: 200, body: '{}' } },
    })
    return secret
  }

  #sealSecret(endpoint: WebhookEndpointId, version: number, secret: Secret<string>): Uint8Array {
    const context: RecordContext = {
      tenant: this.tenant, table: 'webhook_endpoints', recordId: endpoint, dataClass: 'restricted', version,
    }
    return sealRecord(this.#dataKeys.credential, context, secret.expose((text) => Buffer.from(text)), from.random)
  }

  /** Keeps a callback, as the gateway does; an enquiry is due at once. */
  async receiveCallback(payment: PaymentId, body: Uint8Array): Promise<CallbackHintId> {
    const { tenant } = this
    const id = newId('callbackHint', from)
    const context: RecordContext = { tenant, table: 'callback_hints', recordId: id, dataClass: 'restricted', version: 1 }
    await recordCallbackHint(this.#gateway, tenant, {
      id, payment, dataKey: this.#dataKeys.payment.id, receivedAtMs: from.clock.nowMs(),
      sealed: sealRecord(this.#dataKeys.payment, context, body, from.random),
    }, emit({ ...from, process: 'gateway' }, 'callback.received', tenant, { payment }))
    return id
  }

  /** What the custodian answers to `/v1/open`, without its table of purposes. */
  async open({ dataKeys, records }: Pick<CustodianRequest<'/v1/open'>, 'dataKeys' | 'records'>): Promise<CustodianResponse<'/v1/open'>> {
    const keys = await Promise.all(records.map(async (record) => {
      const sealed = bytesOf(dataKeys[record.dataKey] ?? '')
      const dataKey = await openSealedDataKey({ sealed, suite: 'hybrid', privateKey: this.#privateKey, signerPublicKey: this.#signer.publicKey })
      return toBase64Url(deriveRecordKey(dataKey, bytesOf(record.context), bytesOf(record.salt)))
    }))
    const inner = await Promise.all(records.flatMap((record) => record.inner === undefined ? [] : [this.#innerKey(record.inner)]))
    return { keys, ...(inner.length === 0 ? {} : { innerKeys: inner }) }
  }

  async #innerKey({ merchantKey, type, enc }: Inner): Promise<string> {
    const { statement } = this.#vaultKey
    if (merchantKey !== statement.keyId) throw new Fault('custodian/refused', 'a key of nobody here')
    return toBase64Url(await deriveClientSealedKey({ key: statement, type, enc: bytesOf(enc), privateKey: this.#privateKey }))
  }
}

type Inner = NonNullable<CustodianRequest<'/v1/open'>['records'][number]['inner']>
/** Of the vault, as its clients see it. */
type VaultStatement = { readonly statement: MerchantKeyStatement; readonly signed: string; readonly pin: string }

function bytesOf(text: string): Uint8Array {
  const bytes = parseBase64Url(text)
  if (bytes === undefined) throw new Fault('custodian/refused', 'not base64url')
  return bytes
}
