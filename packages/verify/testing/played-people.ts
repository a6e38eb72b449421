import assert from 'node:assert/strict'
import type { KeyObject } from 'node:crypto'
import type { BalanceView } from '@ngome/contracts'
import { formatMoney, ManualClock, newId, parseAmount, Secret, systemClock, systemRandom } from '@ngome/kernel'
import { isSignedBy, type ProvenMerchantKey } from '@ngome/signatures'
import type { ApprovalTarget, Decided } from '../approvals/two-people.ts'
import type { Probe } from '../probe.ts'
import { runProbes } from '../run-probes.ts'
import { newMerchantPair } from '../wire/merchant-pair.ts'
import { PlayedGateway, provenSigner, signatureOf, type PlayedAnswer, type PlayedCall } from './played-gateway.ts'

const from = { clock: systemClock, random: systemRandom }
const tenant = { merchant: newId('merchant', from), world: 'test' } as const
/** Made once: they take a second each. */
const pairs = [newMerchantPair(), newMerchantPair()]

export const money = (amountMinor: bigint): string => formatMoney({ amountMinor, currency: 'EUR' })
export const minor = (text: string): bigint => parseAmount(text, 'EUR') ?? 0n

/** What a saboteur left out of how a platform looks at who approves. */
export type SignerSabotage = 'signatures' | 'people' | 'API keys' | 'signing keys'

/** A merchant's two people at a gateway that a test plays, with what it has and what of its orders was sent. */
export class PlayedPeople {
  availableMinor = 0n
  collected: string | undefined
  decided: Decided | undefined
  attempts: readonly number[] = []
  readonly #gateway: PlayedGateway
  #keys: readonly ProvenMerchantKey[] = []
  #pairAt = 0

  private constructor(gateway: PlayedGateway) {
    this.#gateway = gateway
  }

  static async start(answer: (call: PlayedCall) => PlayedAnswer | Promise<PlayedAnswer>): Promise<PlayedPeople> {
    return new PlayedPeople(await PlayedGateway.start(async (call) => answer(call)))
  }

  stop(): void {
    this.#gateway.stop()
  }

  reset(availableMinor = 0n): void {
    [this.availableMinor, this.collected, this.decided, this.attempts] = [availableMinor, undefined, undefined, []]
  }

  balances(reservedMinor: bigint, lostMinor: bigint): PlayedAnswer {
    const balance: BalanceView = {
      object: 'balance', world: 'test', currency: 'EUR', available: money(this.availableMinor - reservedMinor - lostMinor), pending: '0.00', reserved: money(reservedMinor), owed: '0.00',
    }
    return [200, JSON.stringify({ object: 'list', data: [balance] })]
  }

  /** What a decision is answered that is nobody's, or of who ordered it. */
  async refusalOf(call: PlayedCall, leftOut: string): Promise<PlayedAnswer | undefined> {
    const signer = await this.#signerOf(call)
    if (signer === undefined && leftOut !== 'signatures') return [401, '{}']
    const isFirst = { apiKey: call.headers.authorization === 'Bearer first', signer: signer === 0 }
    const isOwn = (isFirst.apiKey && leftOut !== 'API keys') || (isFirst.signer && leftOut !== 'signing keys')
    return isOwn && leftOut !== 'people' ? [403, '{}'] : undefined
  }

  /** What a probe finds here, in words. */
  async look(probe: Probe<ApprovalTarget>, change: Partial<ApprovalTarget> = {}): Promise<string> {
    const [result] = await runProbes([probe], { ...this.#target(), ...change }, new ManualClock(0))
    return `${result?.status}: ${result?.evidence}`
  }

  #target(): ApprovalTarget {
    return {
      ...this.#gateway.target, ...from, watchMs: 0, settleMsMax: 0,
      limitedPayouts: () => ({ network: { name: 'mtn-sandbox', currency: 'EUR', phonePrefix: '46' }, over: { amountMinor: 1_000n, currency: 'EUR' as const } }),
      addPayoutPeople: async (decided: Decided, ...given: readonly [KeyObject, KeyObject]) => {
        this.decided = decided
        this.#keys = given.map((key) => provenSigner(tenant, key))
        const [first, second] = given.map((_key, at) => ({ tenant, apiKey: new Secret(at === 0 ? 'first' : 'second'), keyId: this.#keys[at]?.id ?? assert.fail() }))
        return [first ?? assert.fail(), second ?? assert.fail()] as const
      },
      collect: async (_merchant: unknown, _network: unknown, amount: string) => {
        this.collected = amount
        this.availableMinor += minor(amount)
      },
      newPair: () => pairs[this.#pairAt++ % 2] ?? assert.fail(),
      // The driver's rows are what the query says.
      auditor: { query: async <Row>() => this.attempts.map((attempts) => ({ attempts: String(attempts) })) as unknown as readonly Row[] },
    }
  }

  async #signerOf(call: PlayedCall): Promise<number | undefined> {
    const reading = signatureOf(call)
    if (reading?.isOverBody !== true) return undefined
    for (const [at, key] of this.#keys.entries()) if (await isSignedBy(key, reading.stated)) return at
    return undefined
  }
}
