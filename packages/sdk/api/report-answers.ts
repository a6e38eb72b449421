// Generated from the OpenAPI document by `npm run generate:sdk`; a test holds it to the document.

export type GetStatementAnswer = {
  readonly object: 'statement'
  readonly world: 'test' | 'live'
  readonly account: `acc_${string}`
  /** ISO 4217 code. */
  readonly currency: string
  /** The first day. */
  readonly from: string
  /** The last day, itself in it. */
  readonly to: string
  /** When the first day began. */
  readonly opening_balance: string
  /** All that came, on every page. */
  readonly credits: string
  /** All that went, on every page. */
  readonly debits: string
  /** When the last day ended: opening balance, plus credits, less debits. */
  readonly closing_balance: string
  /** On every page. */
  readonly entry_count: number
  /** In the order in which they were posted. */
  readonly data: readonly ({
    readonly object: 'statement_entry'
    /** The payment, payout, refund, settlement or adjustment that moved it. */
    readonly payment: string
    /** What it is: `collection`, `payout`, `refund`, `settlement`, the fee of one, such as `payout_fee`, or a correction, such as `suspense_to_merchant`. More may come. */
    readonly type: string
    /** `credit` came into your account, `debit` left it. */
    readonly direction: 'credit' | 'debit'
    /** Decimal string in major units. */
    readonly amount: string
    /** What the account held after it. */
    readonly balance: string
    /** Your own reference; of a correction its reason, of a settlement nothing. */
    readonly reference: string
    readonly network: string
    /** The day that it is booked in, which never changes. */
    readonly booked_on: string
    /** When its outcome was recorded. */
    readonly posted_at: string
  })[]
  /** Where the next page begins; `null` on the last. */
  readonly next_cursor: string | null
}

export type Settlement = {
  readonly id: `stl_${string}`
  readonly object: 'settlement'
  readonly world: 'test' | 'live'
  /** `created`: taken out of your available balance; `paid`: the bank paid it; `failed`: it did not, and it is available again. */
  readonly status: 'created' | 'paid' | 'failed'
  /** Decimal string in major units. */
  readonly amount: string
  /** ISO 4217 code. */
  readonly currency: string
  /** The closed day whose money it is, with what was left of those before. */
  readonly day: string
  /** The bank’s, once it paid. */
  readonly bank_reference: string | null
  /** Why the bank did not pay. */
  readonly failure: string | null
  readonly created_at: string
  readonly updated_at: string
}

export type SettlementPage = {
  readonly object: 'list'
  readonly data: readonly Settlement[]
  /** Where the next page begins; `null` on the last. */
  readonly next_cursor: string | null
}
