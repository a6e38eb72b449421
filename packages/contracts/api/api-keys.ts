import { z } from 'zod'
import { allowedAddressesMax, keyKinds, keyNameLengthMax, rotateAfterSMax } from '../api-key-settings.ts'
import { classed } from '../classed.ts'
import { idSchema, worldSchema } from '../ids.ts'
import { scopes } from '../scopes.ts'

const currency = z.string().regex(/^[A-Z]{3}$/)
/** Decimal strings in major units, by currency. */
const amounts = z.record(currency, z.string().regex(/^[0-9]{1,15}(?:\.[0-9]{1,3})?$/))
const scope = classed('internal', z.enum(scopes))

/** As an answer has them; what each means stands where it is asked for. */
const plainCaps = z.strictObject({
  amount_max: classed('internal', amounts),
  day_total_max: classed('internal', amounts),
  currencies: z.array(classed('internal', currency)),
  networks: z.array(classed('internal', z.string())),
})

const caps = {
  amount_max: classed('internal', amounts)
    .meta({ description: 'For one payment, by currency, in major units. Where amounts are capped, a currency without one is refused.', example: { UGX: '500000' } }),
  day_total_max: classed('internal', amounts).meta({ description: 'The same, for all payments of a UTC day.' }),
  currencies: z.array(classed('internal', currency)).max(64).meta({ description: 'Empty: every one.' }),
  networks: z.array(classed('internal', z.string().max(40))).max(64).meta({ description: 'Empty: every one.' }),
}

export const createApiKeySchema = z.strictObject({
  name: classed('internal', z.string().max(keyNameLengthMax)).default('').meta({ description: 'What you call it: one line.', example: 'shop server' }),
  kind: classed('internal', z.enum(keyKinds)).default('secret')
    .meta({ description: '`secret` stays on your servers; `publishable` is for pages and can only seal.' }),
  scopes: z.array(scope).min(1).max(scopes.length)
    .meta({ description: 'What it may do: as little as it needs. `keys:write` is the operator\u2019s to give.', example: ['payments:write'] }),
  allowed_addresses: z.array(classed('internal', z.string().max(43))).max(allowedAddressesMax).default([])
    .meta({ description: 'Addresses and ranges (CIDR) that it may be used from; empty: anywhere.' }),
  caps: z.strictObject({
    amount_max: caps.amount_max.default({}), day_total_max: caps.day_total_max.default({}),
    currencies: caps.currencies.default([]), networks: caps.networks.default([]),
  }).prefault({}).meta({ description: 'How much it may move, and of what.' }),
  expires_at: classed('internal', z.iso.datetime()).optional()
    .meta({ description: 'From then on nobody knows it. Left out: as late as the operator lets it be, which the answer says.' }),
  rotate_after: classed('internal', z.int().min(1).max(rotateAfterSMax)).optional()
    .meta({ description: 'Seconds after which you want to be told to roll it, where that is sooner than the operator\u2019s policy; also after how long without use it counts as unused.', example: 2_592_000 }),
  must_sign: classed('internal', z.boolean()).default(false).meta({ description: 'Each of its requests must be signed as well.' }),
})
export type CreateApiKey = z.output<typeof createApiKeySchema>

/** An overlap is for a deployment, not for a season. */
const overlapSMax = 90 * 86_400
const overlapS = 86_400

export const rollApiKeySchema = z.strictObject({
  expires_in: classed('internal', z.int().min(0).max(overlapSMax)).default(overlapS)
    .meta({ description: 'Seconds for which the old key works as well; 0 ends it at once.' }),
})
export type RollApiKey = z.output<typeof rollApiKeySchema>

/** `invalid` is a row that nobody signed: no gateway takes that key. */
export const apiKeyStates = ['valid', 'ended', 'revoked', 'invalid'] as const

export const apiKeySchema = z.strictObject({
  id: classed('internal', idSchema('apiKey')),
  object: classed('public', z.literal('api_key')),
  world: classed('internal', worldSchema),
  /** Its first characters: enough to know it by. */
  prefix: classed('internal', z.string()),
  state: classed('internal', z.enum(apiKeyStates)),
  name: classed('internal', z.string()),
  kind: classed('internal', z.enum(keyKinds)),
  scopes: z.array(classed('internal', z.string())),
  allowed_addresses: z.array(classed('internal', z.string())),
  caps: plainCaps,
  must_sign: classed('internal', z.boolean()),
  created_at: classed('internal', z.iso.datetime()),
  rotate_after: classed('internal', z.int()).nullable().meta({ description: 'Seconds; `null`: by the operator\u2019s policy alone.' }),
  expires_at: classed('internal', z.iso.datetime()).nullable().meta({ description: 'A key that was rolled works until then.' }),
  revoked_at: classed('internal', z.iso.datetime()).nullable(),
  last_used_at: classed('internal', z.iso.datetime()).nullable().meta({ description: 'Some seconds behind.' }),
  last_network: classed('internal', z.string()).nullable().meta({ description: 'From where: /24 of an IPv4 address, /48 of an IPv6 one.' }),
  last_agent: classed('internal', z.string()).nullable(),
  age_days: classed('internal', z.int()),
  rotate_by: classed('internal', z.iso.datetime()).meta({ description: 'Roll it before then.' }),
  is_rotation_due: classed('internal', z.boolean()).meta({ description: 'It works and is older than it should be.' }),
  is_unused: classed('internal', z.boolean()).meta({ description: 'It works and nobody used it for long: revoke it where nobody needs it.' }),
})
export type ApiKeyView = z.output<typeof apiKeySchema>

const shownOnce = {
  secret: classed('restricted', z.string()).nullable()
    .meta({ description: 'The key, shown this once. `null` where a repeated request gets this answer again.' }),
  secret_status: classed('internal', z.enum(['shown', 'shown_before']))
    .meta({ description: '`shown_before`: nobody has it any more but who got the first answer. If that was lost, roll this key.' }),
}
export const createdApiKeySchema = apiKeySchema.extend(shownOnce)
export const rolledApiKeySchema = createdApiKeySchema.extend({
  old_key: classed('internal', idSchema('apiKey')),
  old_key_works_until: classed('internal', z.iso.datetime()),
})

export const apiKeyPageSchema = z.strictObject({
  object: classed('public', z.literal('list')),
  data: z.array(apiKeySchema),
  next_cursor: classed('internal', z.string()).nullable(),
})
