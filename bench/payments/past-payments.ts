import { idOf, idRandomBytes, systemRandom, type Tenant } from '@ngome/kernel'
import { addTestMerchant, testAcceptance, type TestDatabase } from '@ngome/testkit'
import { acceptPayment } from '@ngome/store'

const batchSize = 20_000
/** How far back the oldest lies. */
const spanMs = 730 * 86_400_000

/** Where a payment stands that is asked for, and how its merchant called it. */
export type PastPayment = { readonly id: string; readonly reference: string }

/**
 * Writes payments of two years, evenly, as the owner: rows as acceptances leave them, most of which succeeded. Neither triggers nor
 * foreign keys look at them, so that ten million take minutes.
 * @param every of which one is given back
 */
export async function writePastPayments(
  database: TestDatabase, tenant: Tenant, count: number, every: number, tell: (written: number) => void,
): Promise<readonly PastPayment[]> {
  const template = await templatePayment(database)
  const given: PastPayment[] = []
  const startMs = Date.now() - spanMs
  for (let from = 0; from < count; from += batchSize) {
    const ids: string[] = []
    const references: string[] = []
    const random = systemRandom.bytes(batchSize * idRandomBytes)
    for (let at = from; at < Math.min(from + batchSize, count); at++) {
      const id = idOf('payment', startMs + Math.floor(at * spanMs / count), random, (at - from) * idRandomBytes)
      ids.push(id)
      references.push(`past-${at}`)
      if (at % every === 0) given.push({ id, reference: `past-${at}` })
    }
    await database.asAdmin(`SET session_replication_role = replica; ${fill(template, tenant)
      .replace('$ids', `'{${ids.join(',')}}'`).replace('$references', `'{${references.join(',')}}'`)}`)
    tell(Math.min(from + batchSize, count))
  }
  return given
}

/** One in a thousand is still open, one in fifty failed. */
const fill = (template: string, { merchant, world }: Tenant): string => `
  INSERT INTO ngome.payments (id, merchant, world, status, failure, direction, network, currency, amount_minor, reference, payer_masked,
    api_key, data_key, sealed, created_at, updated_at)
  SELECT n.id, '${merchant}', '${world}', s.status, CASE s.status WHEN 'failed' THEN 'payer_refused' END, p.direction, p.network, p.currency,
    p.amount_minor, n.reference, p.payer_masked, p.api_key, p.data_key, p.sealed, p.created_at, p.updated_at
  FROM unnest($ids::text[], $references::text[]) WITH ORDINALITY AS n (id, reference, number)
    CROSS JOIN LATERAL (SELECT CASE WHEN number % 1000 = 0 THEN 'processing' WHEN number % 50 = 0 THEN 'failed' ELSE 'succeeded' END AS status) s,
    ngome.payments p WHERE p.id = '${template}'`

async function templatePayment(database: TestDatabase): Promise<string> {
  const acceptance = testAcceptance(await addTestMerchant(database))
  await acceptPayment(database.open('ngome_gateway', { poolMax: 1 }), acceptance)
  return acceptance.payment.id
}
