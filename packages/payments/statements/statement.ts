import type { AccountId, Currency, LedgerDocumentId, Tenant } from '@ngome/kernel'

/** One movement in a merchant's account, in minor units. */
export type StatementEntry = {
  readonly document: LedgerDocumentId
  /** The kind of transfer: `collection`, `payout`, `refund`, the fee of one, `settlement`, or a correction of the operator's. */
  readonly kind: string
  readonly isCredit: boolean
  readonly amountMinor: bigint
  /** When it was posted, in milliseconds. */
  readonly atMs: number
  /** The closed day that it is booked in, such as `2026-11-22`. */
  readonly day: string
  /** The merchant's own; of a correction the operator's reason. */
  readonly reference: string
  readonly network: string
}

/** What a part of a statement says before its entries: all that is known of them without reading them. */
export type StatementPart = {
  readonly tenant: Tenant
  readonly account: AccountId
  readonly currency: Currency
  /** The first day and the last, both in it. */
  readonly from: string
  readonly to: string
  readonly createdAtMs: number
  /** Which part it is, from 1, and whether it is the last. */
  readonly number: number
  readonly isLast: boolean
  /** What the account held before the first entry of this part and after the last. */
  readonly openingMinor: bigint
  readonly closingMinor: bigint
  /** Of this part. */
  readonly entryCount: number
  readonly creditMinor: bigint
  readonly debitMinor: bigint
}

/** Writes a part of a statement piece by piece, so that it may be as long as it likes. */
export type StatementForm = {
  readonly contentType: string
  /** Of the file's name. */
  readonly extension: string
  start(part: StatementPart): string
  /** @param afterMinor what the account held after the entry */
  entry(part: StatementPart, entry: StatementEntry, afterMinor: bigint): string
  end(part: StatementPart): string
}

/** Sums up the amounts of entries of one direction. */
export function sumOf(entries: readonly StatementEntry[], isCredit: boolean): bigint {
  return entries.filter((entry) => entry.isCredit === isCredit).reduce((sum, { amountMinor }) => sum + amountMinor, 0n)
}

/**
 * Writes a part in a form, a piece at a time.
 * @param pages of its entries, in their order
 * @throws TypeError where the entries do not come to what the part says: a statement that does not add up is nobody's
 */
export async function* writeStatement(
  form: StatementForm, part: StatementPart, pages: AsyncIterable<readonly StatementEntry[]> | Iterable<readonly StatementEntry[]>,
): AsyncGenerator<string> {
  yield form.start(part)
  let [balance, count] = [part.openingMinor, 0]
  for await (const page of pages) {
    let text = ''
    for (const entry of page) {
      balance += entry.isCredit ? entry.amountMinor : -entry.amountMinor
      text += form.entry(part, entry, balance)
    }
    count += page.length
    if (text !== '') yield text
  }
  if (balance !== part.closingMinor || count !== part.entryCount) {
    throw new TypeError(`the statement of ${part.account} from ${part.from} to ${part.to} does not add up`)
  }
  yield form.end(part)
}
