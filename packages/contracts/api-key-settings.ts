import { z } from 'zod'
import { classed } from './classed.ts'
import { idSchema } from './ids.ts'

/** `secret` keys stay on a merchant's servers; a `publishable` one may be read by everybody who opens a page. */
export const keyKinds = ['secret', 'publishable'] as const
export type KeyKind = (typeof keyKinds)[number]

/** Address ranges of one key: an office, two data centres and their IPv6 halves many times over. */
export const allowedAddressesMax = 32
/** As long as the longest policy: later is never. From a second on: a key can be for one run of a program. */
export const rotateAfterSMax = 730 * 86_400
/** What people call a key. */
export const keyNameLengthMax = 100

/** Minor units by currency, as decimal digits: JSON has no numbers of that size. */
const amounts = z.record(z.string().regex(/^[A-Z]{3}$/), z.string().regex(/^[1-9][0-9]{0,17}$/))

/**
 * What a key may do, as it crosses a process boundary and as the database keeps it. There is one way to write each: lists
 * are sorted and without repetition, addresses and times in their canonical text; `parseKeySettings` of packages/access holds that.
 */
export const apiKeySettingsSchema = z.strictObject({
  kind: classed('internal', z.enum(keyKinds)),
  scopes: z.array(classed('internal', z.string().max(32))).min(1).max(64),
  /** CIDR; empty: from anywhere. */
  allowedAddresses: z.array(classed('internal', z.string().max(43))).max(allowedAddressesMax),
  /** Empty: no such cap. */
  caps: z.strictObject({
    amountMax: classed('internal', amounts),
    dayTotalMax: classed('internal', amounts),
    currencies: z.array(classed('internal', z.string().regex(/^[A-Z]{3}$/))).max(64),
    networks: z.array(classed('internal', z.string().max(40))).max(64),
    /** The first of the keys that this one was rolled from: they share one day's total. Absent of a key that shares none. */
    dayTotalOf: classed('internal', idSchema('apiKey')).optional(),
  }),
  /** From this moment on nobody knows the key. */
  expiresAt: classed('internal', z.iso.datetime()).nullable(),
  /** Seconds after which its people want to be told to roll it, where that is sooner than policy has it. */
  rotateAfterS: classed('internal', z.int().min(1).max(rotateAfterSMax)).optional(),
  /** Whether each of its requests must be signed as well. */
  mustSign: classed('internal', z.boolean()),
  /** For people. */
  name: classed('internal', z.string().max(keyNameLengthMax)),
})
export type ApiKeySettingsJson = z.output<typeof apiKeySettingsSchema>
