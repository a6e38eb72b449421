import type { Scope } from '@ngome/access'
import { Fault, publicFault, type FaultCode, type RequestId } from '@ngome/kernel'
import { problemMediaType, problemOf } from '@ngome/runtime'
import { signaturePolicyOf, type SignaturePolicy } from '../access/signature-policy.ts'
import { jsonType } from '../http/answer.ts'
import { headerGroups, headerTable, type HeaderGroup } from '../http/header-table.ts'
import { idempotencyKeyLengthMax } from '../http/limits.ts'
import { examples } from './examples.ts'
import { componentSchemas, jsonSchema, schemaOrReference, type JsonObject } from './json-schema.ts'
import { commonFaults, operationNames, operations, type Operation, type OperationName } from './operations.ts'

/** Of the API, in the document; the path says `/v1`. */
export const apiVersion = '0.1.0'

export type OpenApiParameter = {
  readonly name: string
  readonly in: 'header' | 'path' | 'query'
  readonly required: boolean
  readonly description: string
  readonly schema: JsonObject
  readonly example?: string
}
export type OpenApiOperation = {
  readonly operationId: OperationName
  readonly summary: string
  readonly description: string
  readonly parameters: readonly OpenApiParameter[]
  readonly requestBody?: JsonObject
  readonly responses: Readonly<Record<string, JsonObject>>
  /** Whose key, and what that must be allowed; empty where none is taken. */
  readonly security: readonly { readonly apiKey: readonly Scope[] }[]
  /** The groups of headers that it takes, of `x-ngome-headers` of the document; any other header is refused. */
  readonly 'x-ngome-headers': readonly HeaderGroup[]
  /** Whether pages may call it, with a publishable key. */
  readonly 'x-ngome-browsers': boolean
  /** Whether it must be signed: always, once the merchant has a key to sign with, where its key says so, or never. */
  readonly 'x-ngome-signature': SignaturePolicy
  /** Tokens that a call takes of each of its limits. */
  readonly 'x-ngome-cost': number
}
export type OpenApiDocument = {
  readonly openapi: '3.1.0'
  readonly info: { readonly title: string; readonly version: string; readonly description: string }
  readonly servers: readonly JsonObject[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>
  readonly components: JsonObject
  /** Every request header that is known, by group: how long, of what characters, once or often. */
  readonly 'x-ngome-headers': Readonly<Record<HeaderGroup, JsonObject>>
}

/** Generates the OpenAPI 3.1 document from the table that the gateway itself works by. */
export function openApiDocument(version: string): OpenApiDocument {
  const paths: Record<string, Record<string, OpenApiOperation>> = {}
  for (const name of operationNames) {
    const operation: Operation = operations[name]
    const path = operation.path.replaceAll(/:([a-z]+)/g, '{$1}')
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describe(name, operation) }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Ngome', version, description: introduction },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: componentSchemas(),
      securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: 'An API key: `ngome_sk_test_…`.' } },
    },
    'x-ngome-headers': knownHeaders(),
  }
}

function knownHeaders(): OpenApiDocument['x-ngome-headers'] {
  const groups = Object.keys(headerGroups) as readonly HeaderGroup[]
  const rulesOf = (wanted: HeaderGroup) => Object.entries(headerTable).filter(([, { group }]) => group === wanted)
  return Object.fromEntries(groups.map((group) => [group, Object.fromEntries(rulesOf(group).map(([name, rule]) => [name, {
    maxLength: rule.lengthMax, pattern: rule.pattern.source, comes: rule.isOften === true ? 'often' : 'once',
  }]))])) as OpenApiDocument['x-ngome-headers']
}

const introduction = [
  'Collect mobile-money payments. JSON over TLS 1.3; amounts are decimal strings in major units; ids are prefixed.',
  'Errors are problem documents (RFC 9457) with a stable `code`.',
  'A request header that a route does not take is refused, and so is one that is repeated, too long or made of other characters:',
  '`x-ngome-headers` says which there are, and which an operation takes. Cookies are read nowhere.',
  'Pages call the operations with `x-ngome-browsers`, with a publishable key and from origins that the operator allowed.',
  'Answers to an API key are signed (RFC 9421) where `Accept-Signature` asks for it, in the one form that docs/signed-answers.md has.',
  '`x-ngome-cost` is how many tokens a call takes of each of its limits.',
].join(' ')

function describe(name: OperationName, operation: Operation): OpenApiOperation {
  return {
    operationId: name,
    summary: operation.summary,
    description: operation.description,
    security: operation.credentials === 'api-key' ? [{ apiKey: operation.scope === undefined ? [] : [operation.scope] }] : [],
    'x-ngome-headers': operation.headerGroups,
    'x-ngome-browsers': operation.browsers === true,
    'x-ngome-signature': signaturePolicyOf(name),
    'x-ngome-cost': operation.cost,
    parameters: parameters(operation),
    ...(operation.body === undefined ? {} : { requestBody: requestBody(name, operation.body) }),
    responses: { ...success(name, operation), ...failures([...commonFaults, ...operation.faults]) },
  }
}

function parameters(operation: Operation): OpenApiParameter[] {
  const found: OpenApiParameter[] = []
  if (operation.needsIdempotencyKey === true) {
    found.push({
      name: 'Idempotency-Key', in: 'header', required: true, example: 'order-42',
      description: 'Any text of yours, once for each effect. Same key and body: the first answer again, for 30 days.',
      schema: { type: 'string', minLength: 1, maxLength: idempotencyKeyLengthMax, pattern: '^[!-~]+$' },
    })
  }
  for (const [place, schema] of [['path', operation.params?.schema], ['query', operation.query]] as const) {
    const { properties = {}, required = [] }: Shape = schema === undefined ? {} : jsonSchema(schema, 'input')
    for (const [name, { description = '', ...rest }] of Object.entries(properties)) {
      found.push({ name, in: place, required: required.includes(name), description: String(description), schema: rest })
    }
  }
  return found
}

type Shape = { properties?: Record<string, JsonObject>; required?: string[] }

function requestBody(name: OperationName, body: NonNullable<Operation['body']>): JsonObject {
  if (body.kind === 'raw') return { required: false, description: 'Whatever the network sends.', content: { '*/*': {} } }
  return { required: true, content: { [jsonType]: { schema: schemaOrReference(body.schema, 'input'), ...example(examples[name]?.request) } } }
}

function success(name: OperationName, { success: { status, description, schema, contentType }, pending }: Operation): Record<string, JsonObject> {
  const shape = schema === undefined ? {} : { schema: schemaOrReference(schema, 'output'), ...example(examples[name]?.answer) }
  const hasContent = schema !== undefined || contentType !== undefined
  const content = hasContent ? { content: { [contentType ?? jsonType]: shape } } : {}
  const answers = { [status]: { description, headers: requestIdHeader, ...content } }
  return pending === undefined
    ? answers : { ...answers, [pending.status]: { description: pending.description, headers: requestIdHeader, ...content } }
}

function example(value: object | undefined): JsonObject {
  return value === undefined ? {} : { example: value }
}

const requestIdHeader = {
  'Request-Id': { schema: { type: 'string' }, description: 'Name it when you ask us about a request.' },
}

/** One answer for each status, with an example for each code that it may carry. */
function failures(codes: readonly FaultCode[]): Record<string, JsonObject> {
  const byStatus = Map.groupBy(new Set(codes), (code) => publicFault(code).status)
  return Object.fromEntries([...byStatus].map(([status, among]) => [status, {
    description: among.map((code) => `\`${code}\`: ${publicFault(code).public}`).join('\n\n'),
    headers: requestIdHeader,
    content: {
      [problemMediaType]: {
        schema: { $ref: '#/components/schemas/Problem' },
        examples: Object.fromEntries(among.map((code) => [code.replaceAll('/', '.'), { value: problemOf(new Fault(code, ''), exampleRequestId) }])),
      },
    },
  }]))
}

const exampleRequestId = 'req_01k8z3f7q2e9d8m4n6p0r5s7tv' as RequestId
