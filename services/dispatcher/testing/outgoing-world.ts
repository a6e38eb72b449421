import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { emit, type Authorization, type Purpose } from '@ngome/contracts'
import {
  Fault, newId, Secret, systemClock, systemRandom, type Currency, type MerchantSigningKeyId, type PaymentId, type PayoutBatchId, type PayoutBatchPartId,
  type Tenant,
} from '@ngome/kernel'
import { createLogger } from '@ngome/runtime'
import { batchDigestKey, partDigest, partsDigest, type ApprovalRules, type DigestedPart } from '@ngome/payments'
import { readSignature, signMerchantKey, signRequest, type MerchantKey } from '@ngome/signatures'
import { insertSigningKey, postgresBatches, postgresPayments } from '@ngome/store'
import { SealingMerchant, testDatabase, type SealedPaymentOptions, type TestDatabase } from '@ngome/testkit'
import type { EnquiryOutcome, PaymentRequest, RequestOutcome } from '../connectors/payment-network.ts'
import type { MerchantKeyState } from '../custodian/standing-keys.ts'
import { opener, type OpenSealed } from '../custodian/open-sealed.ts'
import type { BatchDispatcher, Dispatcher, Network } from '../dispatcher.ts'
import { createEgressGuard } from '../egress/egress-guard.ts'
import { dispatchPayment } from '../payments/dispatch-payment.ts'
import { settlePayment } from '../payments/settle-payment.ts'
import { processTime } from './process-time.ts'

const from = { clock: systemClock, random: systemRandom }
const signal = new AbortController().signal

export type SigningKey = { readonly id: MerchantSigningKeyId; readonly privateKey: KeyObject }

/** What a request to order is signed as; all that is not said is right. */
export type OrderToSign = {
  readonly key: SigningKey
  readonly target: string
  readonly body: unknown
  readonly method?: string
  readonly idempotencyKey?: string
  readonly createdAtMs?: number
}

/** A database, two merchants with keys, a network that does what it is told, and a dispatcher whose jobs the test runs itself. */
export class OutgoingWorld {
  readonly database: TestDatabase
  readonly merchant: SealingMerchant
  readonly other: SealingMerchant
  /** What the network was asked for. */
  readonly requests: PaymentRequest[] = []
  /** What it answers to requests and to enquiries. */
  answers: { request: RequestOutcome; enquiry: EnquiryOutcome } = {
    request: { kind: 'taken' }, enquiry: { kind: 'succeeded', networkReference: 'n-1' },
  }
  keyState: MerchantKeyState | 'away' = 'stands'
  /** Of which keys the custodian says that they were revoked, whatever it says of the others. */
  readonly revoked = new Set<MerchantSigningKeyId>()
  directions: Network['connector']['directions'] = ['collection', 'payout', 'refund']
  isIdempotent = true
  /** Above ten euros a second person has to approve. */
  readonly over = new Map<Currency, bigint>([['EUR', 1_000n]])
  readonly approvals: ApprovalRules = { over: this.over, expiresAfterMs: 3_600_000 }
  isAway = false
  /** How long it thinks about a request. */
  takesMs = 0
  /** Why records were opened, and for how many more the custodian has a budget. */
  readonly openings: Purpose[] = []
  openingsLeft = Number.POSITIVE_INFINITY
  readonly dispatcher: Dispatcher & BatchDispatcher
  readonly #custodianKeys = generateKeyPairSync('ed25519')

  private constructor(database: TestDatabase, merchant: SealingMerchant, other: SealingMerchant) {
    this.database = database
    this.merchant = merchant
    this.other = other
    this.dispatcher = this.#dispatcher()
  }

  static async create(): Promise<OutgoingWorld> {
    const database = await testDatabase()
    return new OutgoingWorld(database, await SealingMerchant.create(database), await SealingMerchant.create(database))
  }

  #dispatcher(): OutgoingWorld['dispatcher'] {
    const db = this.database.open('ngome_dispatcher')
    const network: Network = {
      connector: this.#connector(), provider: 'mtn-momo', world: 'test', currency: 'EUR', callingCode: '46',
      settleAfterMs: 1, enquiryIntervalMs: 1, giveUpAfterMs: 1, sendWithinMs: 60_000,
    }
    const opened = async (body: Parameters<SealingMerchant['open']>[0]) =>
      this.merchant.open(body).catch(() => this.other.open(body))
    return {
      ...from, db, payments: postgresPayments(db), batches: postgresBatches(db), rowsAtOnce: 16, ...processTime(), sleep, networks: new Map([['mtn-sandbox', network]]),
      openSealed: this.#openSealed(opener({ call: async (_path, body) => await opened(body as Parameters<SealingMerchant['open']>[0]) as never }, this.#custodianKeys.publicKey, systemRandom)),
      computeFingerprint: async () => { throw new Error('no test here asks for an index') },
      statementKey: this.#custodianKeys.publicKey,
      approvals: this.approvals,
      merchantKeyState: async (_tenant, key) => {
        if (this.keyState === 'away') throw new Fault('custodian/unavailable', 'away')
        return this.revoked.has(key) ? 'revoked' : this.keyState
      },
      egress: createEgressGuard({ providers: {}, allowPrivate: [], resolve: async () => [] }),
      isOperatorsWord: () => false,
      callbacks: { baseUrl: 'https://localhost', secret: new Secret(systemRandom.bytes(32)) },
      webhooks: { attemptsMax: 1, firstRetryMs: 1, retryMaxMs: 1, retryForMs: 60_000, timeoutMs: 1, warnAfterMs: 3_600_000, disableAfterMs: 7_200_000, disableAfterTries: 1_000 },
      logger: createLogger({ process: 'dispatcher', level: 'fatal' }),
    }
  }

  #openSealed(open: OpenSealed): OpenSealed {
    return async (purpose, record, stopping) => {
      this.openings.push(purpose)
      return this.openingsLeft-- > 0 ? open(purpose, record, stopping) : { kind: 'later', reason: 'budget_spent' }
    }
  }

  #connector(): Network['connector'] {
    const directions = () => this.directions
    const isIdempotent = () => this.isIdempotent
    return {
      get directions() { return directions() },
      get isIdempotent() { return isIdempotent() },
      prepare: async () => this.isAway ? 'unavailable' : 'ready',
      request: async (request) => {
        if (!await request.beforeFirstByte()) return { kind: 'not_sent', reason: 'held back' }
        if (this.takesMs > 0) await sleep(this.takesMs)
        this.requests.push(request)
        return this.answers.request
      },
      enquire: async () => this.answers.enquiry,
      readCallback: () => undefined,
    }
  }

  /** A key that the custodian states for this tenant. */
  async addKey(
    tenant: Tenant = this.merchant.tenant, statedBy: KeyObject = this.#custodianKeys.privateKey,
    { publicKey, privateKey }: { readonly publicKey: KeyObject; readonly privateKey: KeyObject } = generateKeyPairSync('ed25519'),
  ): Promise<SigningKey> {
    const createdAtMs = systemClock.nowMs()
    const key: MerchantKey = {
      id: newId('merchantSigningKey', from), tenant, algorithm: 'ed25519', uses: ['sign'], expiresAtMs: createdAtMs + 3_600_000,
      spki: publicKey.export({ format: 'der', type: 'spki' }),
    }
    await insertSigningKey(this.database.open('ngome_operator', { poolMax: 1 }), { ...key, proof: signMerchantKey(key, statedBy), createdAtMs },
      emit({ ...from, process: 'operator' }, 'merchant_key.added', tenant, { key: key.id }))
    return { id: key.id, privateKey }
  }

  /** The merchant's money, so that something can go out. @returns the collection that brought it */
  async collect(phone = '+46733123499', amountMinor = 1_000n): Promise<PaymentId> {
    const { answers } = this
    this.answers = { request: { kind: 'taken' }, enquiry: { kind: 'succeeded', networkReference: 'n-1' } }
    const id = await this.merchant.accept({ phone, amountMinor })
    await this.dispatch(id)
    await this.settle(id)
    this.requests.length = 0
    this.answers = answers
    return id
  }

  payout(options: Partial<SealedPaymentOptions> = {}): Promise<PaymentId> {
    return this.merchant.accept({ phone: '+46733123498', direction: 'payout', ...options })
  }

  /**
   * A batch as a gateway keeps it, or one that was taken over: whatever is said to be signed of it.
   * @param written what the gateway writes of it, where that is something else
   */
  async keepBatch(batch: PayoutBatchId, { body, ...word }: Authorization, { sealedAs = batch, written = {} }: { readonly sealedAs?: PayoutBatchId; readonly written?: object } = {}): Promise<void> {
    const { merchant, world } = this.merchant.tenant
    const { dataKey, sealed } = this.merchant.sealRecord('payout_batch_openings', sealedAs, Buffer.from(`${JSON.stringify(word)}\n${body}`))
    const { reference, currency, count, total } = { ...JSON.parse(body) as object, ...written } as { reference: string; currency: string; count: number; total: string }
    await this.database.asAdmin(`INSERT INTO ngome.payout_batches (id, merchant, world, reference, currency, declared_count, declared_minor, api_key, created_at, updated_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, 'key', now(), now())`, [batch, merchant, world, reference, currency, count, Math.round(Number(total) * 100)])
    await this.database.asAdmin(`INSERT INTO ngome.payout_batch_openings (merchant, world, batch, reference, sealed, data_key, created_at)
      VALUES ($1, $2, $3, $4, $5, $6, now())`, [merchant, world, batch, `${reference}:${batch}`, sealed, dataKey])
  }

  /** A part, likewise. @returns what a row is sealed with to be of it */
  async keepPart(batch: PayoutBatchId, number: number, { body, ...word }: Authorization, sealedAs?: PayoutBatchPartId): Promise<PayoutBatchPartId> {
    const { tenant } = this.merchant
    const [{ merchant, world }, id] = [tenant, newId('payoutBatchPart', from)]
    const { dataKey, sealed } = this.merchant.sealRecord('payout_batch_parts', sealedAs ?? id, Buffer.from(`${JSON.stringify(word)}\n${body}`))
    await this.database.asAdmin(`INSERT INTO ngome.payout_batch_parts (id, merchant, world, batch, number, sealed, data_key, created_at, digest, key_line, signing_key)
      VALUES ($1, $2, $3, $4, $5, $6, $7, now(), $8, $9, $10)`,
    [id, merchant, world, batch, number, sealed, dataKey, this.digestOf(batch, number, body), newId('apiKey', from), word.key])
    return id
  }

  /** What a gateway writes of the body of a part. */
  digestOf(batch: PayoutBatchId, number: number, body: string): Uint8Array {
    return partDigest(this.#batchKey(batch), number, Buffer.from(body))
  }

  /** What a gateway has a second person sign, of the parts that it keeps of a batch. */
  async partsDigestOf(batch: PayoutBatchId): Promise<string> {
    const parts = await this.database.asAdmin('SELECT number, digest FROM ngome.payout_batch_parts WHERE batch = $1 ORDER BY number', [batch]) as unknown as DigestedPart[]
    return Buffer.from(partsDigest(this.#batchKey(batch), parts)).toString('hex')
  }

  /** What was said of a batch, as a gateway keeps it, or one that was taken over and is past the database's guards. */
  async keepAnswer(batch: PayoutBatchId, { key, base, signature, body }: Authorization, decision: 'approved' | 'refused' = 'approved'): Promise<void> {
    const { merchant, world } = this.merchant.tenant
    const proof = decision === 'approved' ? [base, signature, body].map((text) => `convert_from(decode('${Buffer.from(text).toString('hex')}', 'hex'), 'UTF8')`) : ['NULL', 'NULL', 'NULL']
    const apiKey = newId('apiKey', from)
    await this.database.asAdmin(`SET session_replication_role = replica; INSERT INTO ngome.payout_batch_approvals
      (merchant, world, batch, decision, api_key, key_line, signing_key, base, signature, body, at)
      VALUES ('${merchant}', '${world}', '${batch}', '${decision}', '${apiKey}', '${apiKey}', '${key}', ${proof.join(', ')}, now())`)
  }

  #batchKey(batch: PayoutBatchId): Uint8Array {
    return batchDigestKey(this.dispatcher.callbacks.secret, this.merchant.tenant, batch)
  }

  dispatch(payment: PaymentId): Promise<void> {
    return dispatchPayment(this.dispatcher, { ...this.merchant.tenant, payment }, signal)
  }

  async settle(payment: PaymentId): Promise<string> {
    return (await settlePayment(this.dispatcher, this.merchant.tenant, payment, signal)).kind
  }

  async stateOf(id: PaymentId): Promise<unknown> {
    const [row] = await this.database.asAdmin('SELECT status, failure FROM ngome.payments WHERE id = $1', [id])
    return [row?.['status'], row?.['failure']]
  }

  /** Types of a payment's events, with the fields of a mismatch. */
  async eventsOf(id: PaymentId): Promise<readonly string[]> {
    const rows = await this.database.asAdmin('SELECT type, data->>\'fields\' AS fields FROM ngome.events WHERE data->>\'payment\' = $1 ORDER BY at, id', [id])
    return rows.map(({ type, fields }) => typeof fields === 'string' ? `${String(type)} ${fields}` : String(type))
  }

  async close(): Promise<void> {
    this.dispatcher.egress.close()
    await this.database.close()
  }
}

/** What the merchant signs, as the gateway seals it. */
export function authorize({ key, target, body, method = 'POST', idempotencyKey = crypto.randomUUID(), createdAtMs }: OrderToSign): Authorization {
  const text = JSON.stringify(body)
  const clock = createdAtMs === undefined ? systemClock : { ...systemClock, nowMs: () => createdAtMs }
  const request = { method, host: 'pay.example', target, body: Buffer.from(text), idempotencyKey }
  const headers = new Map<string, string | undefined>([
    ...Object.entries(signRequest(request, { keyId: key.id, privateKey: key.privateKey, clock, random: systemRandom })), ['idempotency-key', idempotencyKey],
  ])
  const reading = readSignature({ ...request, field: (name) => headers.get(name) }, clock.nowMs())
  if (!reading.ok) throw new Error(reading.reason)
  const { base, signature } = reading.stated
  return { key: key.id, base: Buffer.from(base).toString('latin1'), signature: Buffer.from(signature).toString('base64'), body: text }
}

/** The body that orders {@link OutgoingWorld.payout}. */
export const payoutBody = {
  amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payee: { phone: '+46733123498' }, reference: 'order-42',
}
