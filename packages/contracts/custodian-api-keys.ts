import { z } from 'zod'
import { apiKeySettingsSchema } from './api-key-settings.ts'
import { classed } from './classed.ts'
import { idSchema } from './ids.ts'
import { tenantFields as tenant } from './tenant-fields.ts'

/** base64url without padding; whoever decodes it sees whether it was canonical. */
const bytes = z.string().regex(/^[A-Za-z0-9_-]*$/)

/** What the database keeps of an API key: `proof` is the custodian's signature, without which it counts for nothing. */
const keptApiKey = {
  verifier: classed('restricted', bytes),
  pepperVersion: classed('internal', z.int().min(1)),
  proof: classed('internal', bytes),
}
/** A key as the database has it, whole. */
const shownApiKey = {
  ...tenant,
  ...keptApiKey,
  key: classed('internal', idSchema('apiKey')),
  settings: apiKeySettingsSchema,
}

/** The custodian's operations about API keys. It never sees the text of one: a digest stands for it. */
export const apiKeyOperations = {
  /** Of a new key, with what it may do: both are signed together. */
  '/v1/api-key-verifier': {
    request: z.strictObject({
      ...tenant,
      key: classed('internal', idSchema('apiKey')),
      digest: classed('restricted', bytes),
      settings: apiKeySettingsSchema,
    }),
    response: z.strictObject(keptApiKey),
  },
  /** For a key that was just shown, with what the database holds of it. `null`: that is the newest, and is noted. */
  '/v1/rehash-api-key': {
    request: z.strictObject({ ...shownApiKey, digest: classed('restricted', bytes) }),
    response: z.strictObject({ statement: z.strictObject(keptApiKey).nullable() }),
  },
  /** Signs an end, or an earlier one, of a key that the database holds; nothing else of it changes. An end never moves back. */
  '/v1/end-api-key': {
    request: z.strictObject({ ...shownApiKey, endsAt: classed('internal', z.iso.datetime()) }),
    response: z.strictObject({ proof: classed('internal', bytes), endsAt: classed('internal', z.iso.datetime()) }),
  },
} as const
