import type { Scope } from '@ngome/access'
import { digestOf, type Answer, type MerchantCall, type MerchantClient, type SignedRequest } from '@ngome/testkit'
import type { OpenApiDocument } from '../api/openapi.ts'
import type { OperationName } from '../api/operations.ts'

/** An operation with a key, as the document that the gateway serves says it. */
export type ServedOperation = {
  readonly name: OperationName
  readonly method: NonNullable<MerchantCall['method']>
  readonly path: string
  /** What it cannot be asked without, as the document's examples have it; with its question mark. */
  readonly query: string
  /** `undefined`: every secret key may. */
  readonly scope: Scope | undefined
  readonly mustBeSigned: boolean
  readonly isForPages: boolean
  readonly body: unknown
  readonly needsIdempotencyKey: boolean
  /** The statuses of what is done as asked. */
  readonly successes: readonly number[]
}

/** Reads the document from the gateway itself, as an attacker would. */
export async function servedOperations(client: MerchantClient): Promise<readonly ServedOperation[]> {
  const answer = await client.call({ path: '/v1/openapi.json', isBare: true })
  const { paths } = JSON.parse(answer.text) as OpenApiDocument
  return Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).flatMap(([method, one]) => {
    const [first] = one.security
    if (first === undefined) return []
    const [scope] = first.apiKey
    const content = one.requestBody?.['content'] as Record<string, { example?: unknown }> | undefined
    const asked = one.parameters.filter((parameter) => parameter.in === 'query' && parameter.required)
      .map(({ name, schema }) => [name, (schema['examples'] as readonly string[] | undefined)?.[0] ?? ''])
    return [{
      name: one.operationId, method: method.toUpperCase() as ServedOperation['method'], path, scope,
      query: asked.length === 0 ? '' : `?${new URLSearchParams(asked).toString()}`,
      mustBeSigned: ['always', 'required'].includes(one['x-ngome-signature']),
      isForPages: one['x-ngome-browsers'],
      body: content?.['application/json']?.example,
      needsIdempotencyKey: one.parameters.some((parameter) => parameter.in === 'header' && parameter.name === 'Idempotency-Key'),
      successes: Object.keys(one.responses).map(Number).filter((status) => status < 300),
    }]
  }))
}

let serial = 0

/** How a merchant signs, where an operation demands that. */
export type Signer = (request: SignedRequest) => SignedRequest

/** Asks for an operation with all that it needs. */
export async function callServed(
  client: MerchantClient, { method, path, query, body, needsIdempotencyKey, mustBeSigned }: ServedOperation,
  id: string | undefined, { signer, ...more }: Pick<MerchantCall, 'headers' | 'isBare'> & { readonly signer?: Signer | undefined } = {},
): Promise<Answer> {
  const target = path.replace('{id}', id ?? '') + query
  const text = body === undefined ? '' : JSON.stringify(inItsBatch(body, path, id))
  const idempotencyKey = needsIdempotencyKey ? { 'idempotency-key': `served-${++serial}` } : {}
  const plain = { method, target, host: 'localhost', body: text, headers: { ...text === '' ? {} : { 'content-digest': digestOf(text) }, ...idempotencyKey } }
  const { headers } = mustBeSigned && signer !== undefined ? signer(plain) : { headers: idempotencyKey }
  const answer = await client.call({ method, path: target, ...more, ...text === '' ? {} : { text }, headers: { host: 'localhost', ...headers, ...more.headers } })
  if (path === batchesPath && answer.status === 201) {
    const { id: batch, reference } = JSON.parse(answer.text) as { id: string; reference: string }
    references.set(batch, reference)
  }
  return answer
}

const batchesPath = '/v1/payout_batches'
/** What each batch was opened with: no other one may have it, and its parts say it. */
const references = new Map<string, string>()

/** What there is to approve of batches that wait. */
const seen = new Map<string, object>()

/** From now on this batch is approved by what was seen of it, in place of the example. */
export function seeBatch(id: string, body: object): void {
  seen.set(id, body)
}

function inItsBatch(body: unknown, path: string, id: string | undefined): unknown {
  if (path === `${batchesPath}/{id}/approve`) return seen.get(id ?? '') ?? body
  if (path === batchesPath) return { ...body as object, reference: `served-${serial}` }
  const reference = references.get(id ?? '')
  const isPart = typeof body === 'object' && body !== null && 'batch_reference' in body
  return isPart && reference !== undefined ? { ...body, batch_reference: reference } : body
}
