import { Fault, parseStrictJson, type FieldFault } from '@ngome/kernel'
import type { z } from 'zod'
import type { Operation } from '../api/operations.ts'
import { jsonDepthMax, jsonNodesMax } from './limits.ts'
import { schemaFaults } from './schema-faults.ts'

const jsonMediaType = /^application\/json(?:; ?charset=utf-8)?$/i

/**
 * Parses a body strictly and holds it against its schema.
 * @throws Fault `request/media_type`, `request/json_refused`, `request/invalid`
 */
export function readJsonBody(
  { schema, nodesMax = jsonNodesMax }: { readonly schema: z.ZodType; readonly nodesMax?: number },
  mediaType: string | undefined, bytes: Uint8Array,
): unknown {
  if (mediaType === undefined || !jsonMediaType.test(mediaType)) throw new Fault('request/media_type', 'not JSON')
  const parsed = parseStrictJson(bytes, { depthMax: jsonDepthMax, nodesMax })
  if (!parsed.ok) {
    const field: FieldFault = { pointer: '', detail: jsonSentences[parsed.reason] }
    throw new Fault('request/json_refused', `${parsed.reason} at ${parsed.offset}`, { fields: [field] })
  }
  return hold(schema, parsed.value)
}

/** @throws Fault `request/invalid`; an operation without a query takes none. */
export function readQuery(operation: Operation, query: unknown, hasQuery: boolean): unknown {
  if (operation.query !== undefined) return hold(operation.query, query)
  if (hasQuery) throw new Fault('request/invalid', 'a query where none is known')
  return undefined
}

/** @throws Fault that the operation names: a path that is not well formed names nothing that exists */
export function readParams(operation: Operation, params: unknown): unknown {
  if (operation.params === undefined) return undefined
  const parsed = operation.params.schema.safeParse(params)
  if (!parsed.success) throw new Fault(operation.params.otherwise, 'a path parameter that is not well formed')
  return parsed.data
}

/** Holds input against a schema. @throws Fault `request/invalid` that names the fields, never what stood in them */
export function hold<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  const fields = schemaFaults(parsed.error, input)
  throw new Fault('request/invalid', fields.map((field) => field.pointer).join(' '), { fields })
}

const jsonSentences = {
  not_utf8: 'The body is not UTF-8.',
  syntax: 'The body is not JSON.',
  duplicate_key: 'A member comes twice.',
  forbidden_key: 'A member has a name that is not allowed.',
  too_deep: 'The body nests too deep.',
  too_many: 'The body has too many members.',
  number_range: 'A number is too large or too exact.',
  lone_surrogate: 'A string is not well-formed Unicode.',
} as const
