import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { emit } from '@ngome/contracts'
import { formatMoney, systemClock, systemRandom, type PaymentId, type VaultTokenId } from '@ngome/kernel'
import { importReport, listDifferences, matchReports, type Database, type Difference, type Matching } from '@ngome/store'
import type { PaymentDispatcher } from '../dispatcher.ts'
import { authorize, OutgoingWorld, type SigningKey } from './outgoing-world.ts'
import { openVaultToken } from '../vault/open-vault-token.ts'
import type { Payer, ReportedNetwork } from './reported-network.ts'

const from = { clock: systemClock, random: systemRandom }

/** A network whose simulator reports its books, our books beside it, and an operator who brings the one to the other. */
export class ReportedBooks<Reported extends ReportedNetwork = ReportedNetwork> {
  readonly world: OutgoingWorld
  readonly reported: Reported
  readonly operator: Database
  readonly dispatcher: PaymentDispatcher
  readonly #key: SigningKey
  readonly #folder: string

  private constructor(world: OutgoingWorld, reported: Reported, key: SigningKey, folder: string) {
    [this.world, this.reported, this.#key, this.#folder] = [world, reported, key, folder]
    this.operator = world.database.open('ngome_operator', { poolMax: 2 })
    const { db, openSealed } = world.dispatcher
    this.dispatcher = {
      ...world.dispatcher, networks: new Map([[reported.name, reported.network]]),
      openCard: (tenant, token, stop) => openVaultToken({ db, openSealed, clock: systemClock }, 'charge', tenant, token, stop),
    }
  }

  static async open<Reported extends ReportedNetwork>(start: () => Promise<Reported>): Promise<ReportedBooks<Reported>> {
    const world = await OutgoingWorld.create()
    return new ReportedBooks(world, await start(), await world.addKey(), await mkdtemp(join(tmpdir(), 'ngome-report-')))
  }

  async close(): Promise<void> {
    await this.reported.simulator.stop()
    this.reported.egress.close()
    await this.world.close()
    await rm(this.#folder, { recursive: true, force: true })
  }

  async collect(amountMinor: bigint, payer = this.reported.payer): Promise<PaymentId> {
    const { merchant } = this.world
    return merchant.accept({
      ...this.#way(), amountMinor, ...'card' in payer ? { card: { token: await merchant.keep('card_number', payer.card), masked: maskOf(payer) } } : payer,
    })
  }

  pay(amountMinor: bigint): Promise<PaymentId> {
    const { name, currency, payer } = this.reported
    if ('card' in payer) throw new TypeError('nothing is paid out to a card')
    const body = { amount: this.#text(amountMinor), currency, network: name, payee: payer, reference: 'order-42' }
    return this.world.merchant.accept({ ...this.#way(), ...payer, direction: 'payout', amountMinor, sealed: { authorization: authorize({ key: this.#key, target: '/v1/payouts', body }) } })
  }

  refund(original: PaymentId, amountMinor: bigint): Promise<PaymentId> {
    const authorization = authorize({ key: this.#key, target: `/v1/payments/${original}/refunds`, body: { amount: this.#text(amountMinor), reference: 'order-42' } })
    const { payer } = this.reported
    return this.world.merchant.accept({
      ...this.#way(), direction: 'refund', original, amountMinor, sealed: { payer: undefined, card: undefined, authorization },
      ...'card' in payer ? { card: { token: '' as VaultTokenId, masked: maskOf(payer) } } : payer,
    })
  }

  /** @param text the network's report of all that it has, where nothing else is brought */
  async bringReport(text?: string): Promise<Matching> {
    const { name, format, currency, simulator } = this.reported
    const path = join(this.#folder, `${systemRandom.bytes(8).toHex()}.csv`)
    await writeFile(path, text ?? await simulator.report())
    const nowMs = systemClock.nowMs()
    const outcome = await importReport({
      path, network: name, world: 'test', form: { kind: 'csv', format }, rules: { currency, timeZone: 'UTC' },
      period: { fromMs: nowMs - 3_600_000, toMs: nowMs + 3_600_000 }, by: 'ann',
    }, { db: this.operator, ...from, onProgress: () => undefined })
    assert.notEqual(outcome.kind, 'refused', JSON.stringify(outcome.kind === 'refused' ? outcome.problems : ''))
    return this.match()
  }

  match(): Promise<Matching> {
    const { name: network } = this.reported
    return matchReports(this.operator, { network, world: 'test' }, systemClock, ({ opened, asked }) => (
      emit({ ...from, process: 'operator' }, 'reconciliation.differences_found', null, { network, found: opened, asked })))
  }

  differences(): Promise<readonly Difference[]> {
    return listDifferences(this.operator, { network: this.reported.name, after: 0, limit: 1_000 })
  }

  /** What the network owes us by our books, in minor units. */
  async owedMinor(): Promise<bigint> {
    const [row] = await this.world.database.asAdmin(`SELECT coalesce(sum(t.posted_out - t.posted_in), 0) AS minor FROM ngome.accounts a
      CROSS JOIN LATERAL ngome.account_totals(a.id) t WHERE a.kind = 'provider_clearing' AND a.network = $1`, [this.reported.name])
    return BigInt(String(row?.['minor']))
  }

  #way() {
    const { name: network, currency, network: { callingCode } } = this.reported
    return { phone: '', network, currency, callingCode }
  }

  #text(amountMinor: bigint): string {
    return formatMoney({ amountMinor, currency: this.reported.currency })
  }
}

function maskOf({ card }: Extract<Payer, { card: string }>): string {
  return `•••• ${card.slice(-4)}`
}
