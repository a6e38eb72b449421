import { apiKeyPageSchema, apiKeySchema, createApiKeySchema, createdApiKeySchema, idSchema, rollApiKeySchema, rolledApiKeySchema } from '@ngome/contracts'
import { ownApiKeysMax } from '@ngome/store'
import { z } from 'zod'
import { pageFields } from '../http/page-fields.ts'
import { bodyBytesMax } from '../http/limits.ts'
import { acting, authenticated, reading, withBody, writing, type Operation } from './operation.ts'

const params = { schema: z.strictObject({ id: idSchema('apiKey') }), otherwise: 'keys/unknown' } as const
/** A client may say of a body that there is none. */
const withoutBody = [...reading, 'body'] as const
const secretOnce = 'The key is in this answer, once: a repeated request gets `null` in its place. Where you have a key of use encrypt the answer comes as a JWE (`application/jose`), whether you ask for that or not.'

/** What merchants do with their own API keys. */
export const apiKeyOperations = {
  listApiKeys: {
    method: 'GET',
    path: '/v1/api_keys',
    summary: 'List your API keys',
    description: 'Newest first: what each may do, when it was used last and from where, when it should be rolled, and whether nobody uses it. Never the key.',
    credentials: 'api-key',
    scope: 'keys:read',
    cost: 3,
    urgency: 'deferrable',
    headerGroups: reading,
    query: z.strictObject(pageFields),
    success: { status: 200, description: 'A page of keys.', schema: apiKeyPageSchema },
    faults: [...authenticated, 'request/invalid'],
  },
  getApiKey: {
    method: 'GET',
    path: '/v1/api_keys/:id',
    summary: 'Read an API key',
    description: 'The same of one key.',
    credentials: 'api-key',
    scope: 'keys:read',
    cost: 1,
    urgency: 'ordinary',
    headerGroups: reading,
    params,
    success: { status: 200, description: 'The key, without its text.', schema: apiKeySchema },
    faults: [...authenticated, 'keys/unknown'],
  },
  createApiKey: {
    method: 'POST',
    path: '/v1/api_keys',
    summary: 'Make an API key',
    description: `Must be signed, always: the custodian checks your signature itself, and makes no key without. ${secretOnce} At most ${ownApiKeysMax} keys work at once.`,
    credentials: 'api-key',
    scope: 'keys:write',
    cost: 20,
    urgency: 'ordinary',
    headerGroups: writing,
    body: { kind: 'json', schema: createApiKeySchema },
    bodyBytesMax,
    needsIdempotencyKey: true,
    encryptsWhereItCan: true,
    success: { status: 201, description: 'The key.', schema: createdApiKeySchema },
    faults: [...authenticated, ...withBody, ...acting, 'keys/scope_refused', 'keys/too_many', 'keys/refused'],
  },
  rollApiKey: {
    method: 'POST',
    path: '/v1/api_keys/:id/roll',
    summary: 'Roll an API key',
    description: `Must be signed, always. A successor that may do exactly the same; the old key works until \`old_key_works_until\`, and that comes nearer only. ${secretOnce} Do not roll a key that leaked: revoke it.`,
    credentials: 'api-key',
    scope: 'keys:write',
    cost: 20,
    urgency: 'ordinary',
    headerGroups: writing,
    params,
    body: { kind: 'json', schema: rollApiKeySchema },
    bodyBytesMax,
    needsIdempotencyKey: true,
    encryptsWhereItCan: true,
    success: { status: 201, description: 'The successor.', schema: rolledApiKeySchema },
    faults: [...authenticated, ...withBody, ...acting, 'keys/unknown', 'keys/not_rollable', 'keys/refused'],
  },
  revokeApiKey: {
    method: 'POST',
    path: '/v1/api_keys/:id/revoke',
    summary: 'Revoke an API key',
    description: 'Must be signed, always. Within two seconds no gateway takes the key. Takes no body; again is the same.',
    credentials: 'api-key',
    scope: 'keys:write',
    cost: 5,
    urgency: 'vital',
    headerGroups: withoutBody,
    params,
    success: { status: 200, description: 'The key, revoked.', schema: apiKeySchema },
    faults: [...authenticated, 'request/invalid', 'keys/unknown'],
  },
  revokeThisApiKey: {
    method: 'POST',
    path: '/v1/api_keys/self/revoke',
    summary: 'Revoke the key that asks',
    description: 'For a secret key that leaked: whoever has it can end it, and needs no scope and no signature. Takes no body. A key that is bound to addresses ends itself from those.',
    credentials: 'api-key',
    cost: 5,
    urgency: 'vital',
    headerGroups: withoutBody,
    success: { status: 200, description: 'The key, revoked.', schema: apiKeySchema },
    faults: [...authenticated, 'request/invalid'],
  },
} as const satisfies Record<string, Operation>
