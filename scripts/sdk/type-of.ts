/** A schema of the OpenAPI document, as far as it is read. */
export type Schema = Readonly<Record<string, unknown>>

/** An `input` may leave out what is `undefined`; an `output` is only read. */
export type Direction = 'input' | 'output'

/** Writes a JSON Schema of the document as a TypeScript type. @throws TypeError for a form that it does not know */
export function typeOf(schema: Schema, direction: Direction, indent = ''): string {
  const { $ref, anyOf, const: only, enum: among, type, pattern, items } = schema
  if (typeof $ref === 'string') return $ref.slice($ref.lastIndexOf('/') + 1)
  if (Array.isArray(anyOf)) return anyOf.map((one: Schema) => typeOf(one, direction, indent)).join(' | ')
  if (only !== undefined) return literal(only)
  if (Array.isArray(among)) return among.map(literal).join(' | ')
  switch (type) {
    case 'string': return stringType(pattern)
    case 'integer': case 'number': return 'number'
    case 'boolean': return 'boolean'
    case 'null': return 'null'
    case 'array': return `readonly ${wrapped(typeOf((items ?? {}) as Schema, direction, indent))}[]`
    case 'object': return objectType(schema, direction, indent)
    // An empty schema takes anything.
    case undefined: return 'unknown'
    default: throw new TypeError(`a schema of a form that has no type here: ${JSON.stringify(type)}`)
  }
}

/** The comment above a member, where the document says anything about it. */
export function commentOf(schema: Schema, indent: string): string {
  const { description } = schema
  return typeof description === 'string' ? `${indent}/** ${description.replaceAll('*/', '* /')} */\n` : ''
}

function objectType(schema: Schema, direction: Direction, indent: string): string {
  const { properties, required = [], additionalProperties } = schema as {
    readonly properties?: Readonly<Record<string, Schema>>; readonly required?: readonly string[]; readonly additionalProperties?: Schema | boolean
  }
  if (properties === undefined) {
    const values = typeof additionalProperties === 'object' ? typeOf(additionalProperties, direction, indent) : 'unknown'
    return `Readonly<Record<string, ${values}>>`
  }
  const inner = `${indent}  `
  const lines = Object.entries(properties).map(([name, property]) => {
    const isOptional = !required.includes(name)
    const type = typeOf(property, direction, inner) + (isOptional && direction === 'input' ? ' | undefined' : '')
    return `${commentOf(property, inner)}${inner}readonly ${name}${isOptional ? '?' : ''}: ${type}\n`
  })
  return lines.length === 0 ? 'Readonly<Record<string, never>>' : `{\n${lines.join('')}${indent}}`
}

/** An id's pattern begins with its prefix, so that ids of two kinds are two types; a text of digits is a number to its caller. */
function stringType(pattern: unknown): string {
  if (typeof pattern !== 'string') return 'string'
  const prefix = /^\^([a-z]{3}_)\[0-7\]/.exec(pattern)?.[1]
  if (prefix !== undefined) return `\`${prefix}\${string}\``
  return /^\^\[1-9\]\[0-9\](?:\{[0-9,]+\}|\*|\+)\$$/.test(pattern) ? 'number' : 'string'
}

function literal(value: unknown): string {
  return typeof value === 'string' ? `'${value.replaceAll('\\', '\\\\').replaceAll('\'', '\\\'')}'` : JSON.stringify(value)
}

function wrapped(type: string): string {
  return type.includes('|') || type.startsWith('readonly ') ? `(${type})` : type
}
