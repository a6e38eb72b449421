import type { Scope } from '@ngome/access'
import type { Answer, MerchantCall, MerchantClient } from '@ngome/testkit'
import type { OpenApiDocument } from '../api/openapi.ts'
import type { OperationName } from '../api/operations.ts'

/** An operation with a key, as the document that the gateway serves says it. */
export type ServedOperation = {
  readonly name: OperationName
  readonly method: NonNullable<MerchantCall['method']>
  readonly path: string
  readonly scope: Scope
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
    if (scope === undefined) throw new TypeError(`${one.operationId} names no scope`)
    const content = one.requestBody?.['content'] as Record<string, { example?: unknown }> | undefined
    return [{
      name: one.operationId, method: method.toUpperCase() as ServedOperation['method'], path, scope,
      isForPages: one['x-ngome-browsers'],
      body: content?.['application/json']?.example,
      needsIdempotencyKey: one.parameters.some((parameter) => parameter.in === 'header' && parameter.name === 'Idempotency-Key'),
      successes: Object.keys(one.responses).map(Number).filter((status) => status < 300),
    }]
  }))
}

let serial = 0

/** Asks for an operation with all that it needs. */
export function callServed(
  client: MerchantClient, { method, path, body, needsIdempotencyKey }: ServedOperation,
  id: string | undefined, more: Pick<MerchantCall, 'headers' | 'isBare'> = {},
): Promise<Answer> {
  return client.call({
    method, path: path.replace('{id}', id ?? ''), ...more,
    ...(body === undefined ? {} : { body }),
    ...(needsIdempotencyKey ? { idempotencyKey: `served-${++serial}` } : {}),
  })
}
