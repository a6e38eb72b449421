import { z } from 'zod'

/** A sentence for merchants: printable, without what a page would read as more. */
export const maintenanceReason = /^[\p{L}\p{N} .,:;()_-]{1,120}$/u
export const maintenanceWindowsMax = 64
const instant = z.iso.datetime({ offset: true, error: 'must be an instant, such as 2027-01-31T22:00:00Z' })

const window = z.strictObject({
  from: instant.describe('When it begins.'),
  to: instant.describe('When it ends.'),
  reason: z.string().regex(maintenanceReason, 'must be a short sentence').describe('What merchants read.'),
})

/** How payments find a network, and what becomes of them while it is away. */
export const networkRouting = {
  prefixes: z.array(z.string().regex(/^[1-9][0-9]{1,13}$/, 'must be digits, calling code first')).max(256).optional()
    .describe('How its numbers begin, in place of the table of prefixes; an empty list: no number leads to it.'),
  fallback: z.array(z.string().max(32)).max(4, 'must be at most 4').default([])
    .describe('Which networks take its orders while it is away, where the merchant named none.'),
  maintenance: z.array(window).max(maintenanceWindowsMax).default([]).describe('When the network is closed, as its operator announced it.'),
  onMaintenance: z.enum(['refuse', 'wait'], { error: 'must be refuse or wait' }).default('refuse')
    .describe('What becomes of new payments in such a time.'),
}
