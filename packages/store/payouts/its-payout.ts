/**
 * Joins the payout of each row `r` of a batch as `p`, looked up by all of its key. A plain join is planned by what the payments' partition is
 * known to hold, which is nothing at first: it goes through all of a merchant's payments for each row. OFFSET 0 keeps the look-up apart.
 */
export function itsPayout(columns: string): string {
  return `CROSS JOIN LATERAL (SELECT ${columns} FROM ngome.payments
        WHERE payments.merchant = r.merchant AND payments.world = r.world AND payments.id = r.payment OFFSET 0) p`
}
