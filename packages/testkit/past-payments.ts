import { idOf, idRandomBytes, systemRandom, type Currency, type Tenant } from '@ngome/kernel'
import { accountFor } from '@ngome/payments'
import { acceptPayment } from '@ngome/store'
import { addTestMerchant, testAcceptance } from './payments.ts'
import type { TestDatabase } from './postgres.ts'

/** Where a payment stands that is asked for, and how its merchant called it. */
export type PastPayment = { readonly id: string; readonly reference: string }

export type Past = {
  readonly count: number
  /** Of how many one is given back. */
  readonly every: number
  /** What they were by, in turns; the sandbox and euros where nothing is said. */
  readonly by?: readonly (readonly [network: string, currency: Currency])[]
}

/** Few enough that a statement is some megabytes, many enough that its way costs nothing. */
const batchSize = 20_000
/** How far back the oldest lies. */
const spanMs = 730 * 86_400_000

/**
 * Writes collections of two years, evenly, as the owner: rows as acceptances and their ends leave them, with their transfers, so that the
 * ledger's check finds nothing wrong once {@link addUpPast} was called. One in a thousand is still open, one in fifty failed. No trigger looks at
 * them, so that ten million take minutes: they have no events, attempts, jobs or keys of repetition.
 */
export async function writePastPayments(database: TestDatabase, tenant: Tenant, past: Past, tell: (written: number) => void): Promise<readonly PastPayment[]> {
  const { count, every, by = [['mtn-sandbox', 'EUR']] } = past
  const template = await templatePayment(database)
  const accounts = await accountsOf(database, tenant, by)
  const given: PastPayment[] = []
  const startMs = Date.now() - spanMs
  await database.asAdmin('SELECT ngome.make_payment_partitions(to_timestamp($1 / 1000.0), now())', [startMs])
  for (let from = 0; from < count; from += batchSize) {
    const ids: string[] = []
    const random = systemRandom.bytes(batchSize * idRandomBytes)
    for (let at = from; at < Math.min(from + batchSize, count); at++) {
      const id = idOf('payment', startMs + Math.floor(at * spanMs / count), random, (at - from) * idRandomBytes)
      ids.push(id)
      if (at % every === 0) given.push({ id, reference: `past-${at}` })
    }
    await database.asAdmin(`SET session_replication_role = replica; ${writing(template, tenant, accounts, ids, { from, startMs, stepMs: spanMs / count })}`)
    tell(Math.min(from + batchSize, count))
  }
  return given
}

/** Adds up the accounts anew, as after a move to another cluster. */
export async function addUpPast(database: TestDatabase): Promise<void> {
  await database.asAdmin('SELECT ngome.rebuild_ledger_sums()')
}

type Ways = readonly { readonly network: string; readonly currency: string; readonly debit: string; readonly credit: string }[]

async function accountsOf(database: TestDatabase, tenant: Tenant, by: NonNullable<Past['by']>): Promise<Ways> {
  const ways: { network: string; currency: string; debit: string; credit: string }[] = []
  for (const [network, currency] of by) {
    const [debit, credit] = [accountFor(tenant, 'provider_clearing', network, currency), accountFor(tenant, 'merchant_available', network, currency)]
    for (const account of [debit, credit]) {
      await database.asAdmin('INSERT INTO ngome.accounts (id, merchant, world, kind, network, currency) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING',
        [account.id, tenant.merchant, tenant.world, account.kind, account.network, currency])
    }
    ways.push({ network, currency, debit: debit.id, credit: credit.id })
  }
  return ways
}

type Place = { readonly from: number; readonly startMs: number; readonly stepMs: number }

/** All values are the test's own. */
const writing = (template: string, { merchant, world }: Tenant, ways: Ways, ids: readonly string[], { from, startMs, stepMs }: Place): string => `
  WITH ways AS (
    SELECT ordinality - 1 AS turn, w->>'network' AS network, w->>'currency' AS currency, w->>'debit' AS debit, w->>'credit' AS credit
    FROM json_array_elements('${JSON.stringify(ways)}') WITH ORDINALITY e (w, ordinality)
  ), past AS MATERIALIZED (
    SELECT n.id, ${from} + ordinality - 1 AS number, to_timestamp((${startMs} + floor((${from} + ordinality - 1) * ${stepMs})) / 1000) AS at
    FROM unnest('{${ids.join(',')}}'::text[]) WITH ORDINALITY n (id, ordinality)
  ), written AS (
    INSERT INTO ngome.payments (id, merchant, world, status, failure, direction, network, currency, amount_minor, reference, payer_masked,
      api_key, data_key, sealed, created_at, updated_at)
    SELECT n.id, '${merchant}', '${world}', s.status, CASE s.status WHEN 'failed' THEN 'payer_refused' END, 'collection', w.network, w.currency,
      p.amount_minor, 'past-' || n.number, p.payer_masked, p.api_key, p.data_key, p.sealed, n.at, n.at
    FROM past n JOIN ways w ON w.turn = n.number % ${ways.length}
      CROSS JOIN LATERAL (SELECT CASE WHEN n.number % 1000 = 0 THEN 'processing' WHEN n.number % 50 = 0 THEN 'failed' ELSE 'succeeded' END AS status) s,
      ngome.payments p WHERE p.id = '${template}'
    RETURNING id, status, network, currency, amount_minor, created_at
  )
  INSERT INTO ngome.transfers (merchant, world, payment, kind, phase, debit_account, credit_account, debit_kind, credit_kind, amount_minor, currency, at)
  SELECT '${merchant}', '${world}', p.id, 'collection', f.phase, w.debit, w.credit, 'provider_clearing', 'merchant_available', p.amount_minor, p.currency, p.created_at
  FROM written p JOIN ways w USING (network, currency)
    CROSS JOIN LATERAL (VALUES ('pending'), (CASE p.status WHEN 'succeeded' THEN 'posted' WHEN 'failed' THEN 'voided' END)) f (phase)
  WHERE f.phase IS NOT NULL`

async function templatePayment(database: TestDatabase): Promise<string> {
  const acceptance = testAcceptance(await addTestMerchant(database))
  await acceptPayment(database.open('ngome_gateway', { poolMax: 1 }), acceptance)
  return acceptance.payment.id
}
