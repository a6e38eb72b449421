import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { formatMoney, type Currency } from '@ngome/kernel'
import type { TestDatabase } from '@ngome/testkit'

/** A movement as a network would have it in its report. */
export type Moved = { readonly reference: string; readonly networkReference: string; readonly amount: string; readonly currency: string; readonly at: string; readonly hasSucceeded: boolean }

const pageRows = 20_000

/** Gives past payments of a network the attempts by which reports know them, as their dispatch would have. */
export async function writeAttempts(database: TestDatabase): Promise<void> {
  await database.asAdmin(`SET session_replication_role = replica; INSERT INTO ngome.attempts
      (id, merchant, world, payment, reference, fence, state, network_reference, prepared_at, sent_at, taken_at, known_at, sendings)
    SELECT 'att_' || substr(p.id, 5), p.merchant, p.world, p.id, gen_random_uuid(), 1, 'known', 'N-' || substr(p.id, 5), p.created_at, p.created_at,
      p.created_at, p.created_at, 1
    FROM ngome.payments p WHERE p.status IN ('succeeded', 'failed') AND NOT EXISTS (SELECT FROM ngome.attempts a WHERE a.payment = p.id)`)
  await database.asAdmin('VACUUM (ANALYZE) ngome.attempts')
}

/** The report of a network whose books agree with ours, in a file of either form. @returns its movements */
export async function writeReport(database: TestDatabase, network: string, path: string, form: 'csv' | 'camt.053'): Promise<number> {
  const file = createWriteStream(path, { mode: 0o644 })
  const write = async (text: string): Promise<void> => { if (!file.write(text)) await once(file, 'drain') }
  let count = 0
  await write(heads[form])
  for (let after = ''; ;) {
    const rows = await database.asAdmin(`SELECT p.id, a.reference, a.network_reference, p.amount_minor, p.currency, p.created_at, p.status
      FROM ngome.payments p JOIN ngome.attempts a ON (a.merchant, a.world, a.payment) = (p.merchant, p.world, p.id)
      WHERE p.network = $1 AND p.id > $2 AND (p.status = 'succeeded' OR $3) ORDER BY p.id LIMIT ${pageRows}`, [network, after, form === 'csv'])
    await write(rows.map((row) => lines[form](movedOf(row))).join(''))
    count += rows.length
    if (rows.length < pageRows) break
    after = String(rows.at(-1)?.['id'])
  }
  file.end(tails[form])
  await once(file, 'close')
  return count
}

function movedOf(row: Record<string, unknown>): Moved {
  const currency = String(row['currency'])
  return {
    reference: String(row['reference']), networkReference: String(row['network_reference']), currency,
    amount: formatMoney({ amountMinor: BigInt(String(row['amount_minor'])), currency: currency as Currency }),
    at: (row['created_at'] as Date).toISOString(), hasSucceeded: row['status'] === 'succeeded',
  }
}

const heads = {
  'csv': 'Date,Financial Transaction Id,Reference Id,Type,Status,Amount,Currency\n',
  'camt.053': '<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt>\n',
} as const
const tails = { 'csv': '', 'camt.053': '</Stmt></BkToCstmrStmt></Document>\n' } as const
const lines = {
  'csv': ({ at, networkReference, reference, hasSucceeded, amount, currency }: Moved) =>
    `${at},${networkReference},${reference},requesttopay,${hasSucceeded ? 'SUCCESSFUL' : 'FAILED'},${amount},${currency}\n`,
  'camt.053': ({ at, networkReference, reference, amount, currency }: Moved) =>
    `<Ntry><Amt Ccy="${currency}">${amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><DtTm>${at}</DtTm></BookgDt>`
    + `<AcctSvcrRef>${networkReference}</AcctSvcrRef><NtryDtls><TxDtls><Refs><EndToEndId>${reference}</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>\n`,
} as const
