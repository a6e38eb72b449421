import { commentOf, typeOf, type Direction, type Schema } from './type-of.ts'

type Parameter = { readonly name: string; readonly in: string; readonly required: boolean; readonly description: string; readonly schema: Schema }
type Body = { readonly content?: Readonly<Record<string, { readonly schema?: Schema }>> }
type DocumentOperation = {
  readonly operationId: string
  readonly summary: string
  readonly security: readonly unknown[]
  readonly parameters: readonly Parameter[]
  readonly requestBody?: Schema
  readonly responses: Readonly<Record<string, Schema>>
  readonly 'x-ngome-cost': number
}

/** The OpenAPI document, as far as the SDK's types are made of it. */
export type ApiDocument = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentOperation>>>>
  readonly components: Readonly<Record<string, unknown>>
}

/** The generated files of `packages/sdk/api`, by name. */
export type ApiFiles = Readonly<Record<'requests.ts' | AnswerFile | 'operations.ts' | 'reading-operations.ts' | 'routes.ts', string>>
/** Each with what the types in it are named by; the others are in the first. */
const answerFiles = { 'answers.ts': /^/, 'webhook-answers.ts': /Webhook|Event/, 'checkout-answers.ts': /Checkout/, 'report-answers.ts': /Statement|Settlement/, 'payout-answers.ts': /Payout|Refund|Network/ } as const
type AnswerFile = keyof typeof answerFiles
const answerFileNames = Object.keys(answerFiles) as readonly AnswerFile[]

type Described = DocumentOperation & { readonly method: string; readonly path: string }
type Types = { readonly requests: Map<string, Schema>; readonly answers: Map<string, Schema> }

const notice = '// Generated from the OpenAPI document by `npm run generate:sdk`; a test holds it to the document.\n'
const references = /"\$ref":"#\/components\/schemas\/([A-Za-z0-9]+)"/g

/** Writes what the SDK knows of the API: the types of every operation that takes a key, and where each is called. */
export function apiFiles(document: ApiDocument): ApiFiles {
  const operations = operationsOf(document)
  const types: Types = { requests: new Map(), answers: new Map() }
  const members = operations.map((operation) => ({ isReading: operation.method === 'GET', text: memberOf(operation, types) }))
  const schemas = document.components['schemas'] as Readonly<Record<string, Schema>>
  for (const named of [types.requests, types.answers]) addReferenced(named, schemas)
  types.answers.set('Problem', schemas['Problem'] ?? {})
  const imported = (names: readonly string[], file: string): string => names.length === 0 ? '' : `import type {\n${names.toSorted().map((name) => `  ${name},\n`).join('')}} from './${file}'\n`
  // Apart, so that no file is longer than one reads.
  const [reading = '', writing = ''] = [true, false].map((which) => members.filter(({ isReading }) => isReading === which).map(({ text }) => text).join(''))
  const answers = Object.fromEntries(answerFileNames.map((file) => [file, new Map<string, Schema>()])) as Record<AnswerFile, Map<string, Schema>>
  for (const [name, schema] of types.answers) answers[answerFileOf(name)].set(name, schema)
  const isUsed = (name: string, by: string): boolean => new RegExp(`\\b${name}\\b`).test(by)
  const used = (names: Iterable<string>, by: string): string[] => [...names].filter((name) => isUsed(name, by))
  const importedFrom = (files: readonly AnswerFile[], by: string): string => files.map((file) => imported(used(answers[file].keys(), by), file)).join('')
  const answersOf = (file: AnswerFile): string => {
    const text = declarations(answers[file], 'output')
    return notice + importedFrom(answerFileNames.filter((other) => other !== file), text) + text
  }
  return {
    'requests.ts': notice + declarations(types.requests, 'input'),
    ...Object.fromEntries(answerFileNames.map((file) => [file, answersOf(file)])) as Record<AnswerFile, string>,
    'reading-operations.ts': `${notice}${importedFrom(answerFileNames, reading)}
/** What each operation that changes nothing takes and gives. */
export type ReadingOperations = {\n${reading}}
`,
    'operations.ts': `${notice}${importedFrom(answerFileNames, writing)}import type { ReadingOperations } from './reading-operations.ts'
${imported(used(types.requests.keys(), writing), 'requests.ts')}
/** What each operation takes and gives. */
export type Operations = ReadingOperations & {\n${writing}}

export type OperationName = keyof Operations
`,
    'routes.ts': `${notice}import type { OperationName } from './operations.ts'

/** How an operation is called. \`isKeyed\`: under an \`Idempotency-Key\`; \`cost\`: tokens that it takes of each limit. */
export type Route = { readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'; readonly path: string; readonly isKeyed: boolean; readonly cost: number }

export const routes: Readonly<Record<OperationName, Route>> = {\n${operations.map(routeOf).join('')}}
`,
  }
}

/** Apart, so that no file is longer than one reads. */
function answerFileOf(name: string): AnswerFile {
  return answerFileNames.findLast((file) => answerFiles[file].test(name)) ?? 'answers.ts'
}

/** Only what takes an API key: the rest is for payment networks and readers of the document. */
function operationsOf({ paths }: ApiDocument): Described[] {
  return Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods)
    .map(([method, operation]) => ({ ...operation, method: method.toUpperCase(), path })))
    .filter(({ security }) => security.length > 0)
    .toSorted((a, b) => (a.operationId < b.operationId ? -1 : 1))
}

function memberOf(operation: Described, types: Types): string {
  const body = schemaIn(operation.requestBody)
  const [success] = Object.entries(operation.responses).filter(([status]) => Number(status) < 300).map(([, answer]) => answer)
  const answer = schemaIn(success)
  const name = operation.operationId.charAt(0).toUpperCase() + operation.operationId.slice(1)
  const parts = Object.entries({
    params: parametersType(operation, 'path'),
    query: parametersType(operation, 'query'),
    body: body === undefined ? 'undefined' : nameOf(body, `${name}Request`, types.requests),
    answer: answer === undefined ? 'undefined' : nameOf(answer, `${name}Answer`, types.answers),
  })
  // What is a word takes one line together: the file is long as it is.
  const words = parts.filter(([, type]) => !type.includes('\n')).map(([part, type]) => `readonly ${part}: ${type}`).join('; ')
  return [
    `  /** ${operation.summary}. */\n  readonly ${operation.operationId}: {\n`,
    `    ${words}\n`,
    ...parts.filter(([, type]) => type.includes('\n')).map(([part, type]) => `    readonly ${part}: ${type}\n`),
    '  }\n',
  ].join('')
}

/** A schema with a name of its own has it already; another gets its operation's. */
function nameOf(schema: Schema, otherwise: string, into: Map<string, Schema>): string {
  if ('$ref' in schema) {
    const name = typeOf(schema, 'output')
    into.set(name, schema)
    return name
  }
  into.set(otherwise, schema)
  return otherwise
}

function parametersType({ parameters }: Described, place: 'path' | 'query'): string {
  const found = parameters.filter((one) => one.in === place)
  if (found.length === 0) return 'undefined'
  // A caller has an id from wherever he keeps it: as text.
  if (place === 'path') return `{ ${found.map(({ name }) => `readonly ${name}: string`).join('; ')} }`
  const lines = found.map(({ name, required, description, schema }) => {
    const type = typeOf(schema, 'input')
    const comment = commentOf(description === '' ? {} : { description }, '      ')
    return `${comment}      readonly ${name}${required ? '' : '?'}: ${type}${required ? '' : ' | undefined'}\n`
  })
  return `{\n${lines.join('')}    }`
}

function routeOf({ operationId, method, path, parameters, 'x-ngome-cost': cost }: Described): string {
  const isKeyed = parameters.some((one) => one.in === 'header' && one.name === 'Idempotency-Key')
  return `  ${operationId}: { method: '${method}', path: '${path}', isKeyed: ${isKeyed}, cost: ${cost} },\n`
}

function schemaIn(part: Schema | undefined): Schema | undefined {
  return (part as Body | undefined)?.content?.['application/json']?.schema
}

/** Puts the whole schema in the place of each reference, and in the map whatever those refer to. */
function addReferenced(named: Map<string, Schema>, schemas: Readonly<Record<string, Schema>>): void {
  for (const [name, schema] of named) {
    const whole = '$ref' in schema ? schemas[name] ?? {} : schema
    named.set(name, whole)
    for (const [, other = ''] of JSON.stringify(whole).matchAll(references)) {
      if (!named.has(other)) named.set(other, schemas[other] ?? {})
    }
  }
}

function declarations(named: ReadonlyMap<string, Schema>, direction: Direction): string {
  return [...named].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, schema]) => {
    return `\n${commentOf(schema, '')}export type ${name} = ${typeOf(schema, direction)}\n`
  }).join('')
}
