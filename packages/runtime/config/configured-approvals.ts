import { parseAmount, parseCurrency, type Currency } from '@ngome/kernel'
import type { Config } from './schema.ts'

/** The configuration's rules of approvals, in minor units and milliseconds; gateway and dispatcher read each its own. */
export function configuredApprovals({ approvalOver, approvalExpiresAfterS }: Config['payouts']): {
  readonly over: ReadonlyMap<Currency, bigint>; readonly expiresAfterMs: number
} {
  const over = new Map<Currency, bigint>()
  for (const [code, text] of Object.entries(approvalOver)) {
    const currency = parseCurrency(code)
    const amountMinor = currency === undefined ? undefined : parseAmount(text, currency)
    // The configuration's own rules refused this before: a limit that is not understood would be none.
    if (currency === undefined || amountMinor === undefined) throw new TypeError(`${code} has no limit`)
    over.set(currency, amountMinor)
  }
  return { over, expiresAfterMs: approvalExpiresAfterS * 1_000 }
}
