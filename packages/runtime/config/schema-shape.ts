import type { z } from 'zod'
import { secretMark } from './secret-field.ts'

/** One place in the configuration, as seen by whoever fills it from outside. */
export type Shape =
  | { readonly kind: 'object'; readonly members: ReadonlyMap<string, z.ZodType> }
  | { readonly kind: 'record'; readonly value: z.ZodType }
  | { readonly kind: 'number' | 'boolean' | 'string' | 'list' | 'secret' }

type Definition = {
  readonly type: string
  readonly innerType?: z.ZodType
  readonly shape?: Readonly<Record<string, z.ZodType>>
  readonly valueType?: z.ZodType
}

/** Looks through defaults, optionals and transforms at what a schema takes. */
export function shapeOf(schema: z.ZodType): Shape {
  const definition = schema.def as Definition
  if (schema.meta()?.[secretMark] === true) return { kind: 'secret' }
  if (definition.innerType !== undefined) return shapeOf(definition.innerType)
  if (definition.shape !== undefined) return { kind: 'object', members: new Map(Object.entries(definition.shape)) }
  if (definition.valueType !== undefined) return { kind: 'record', value: definition.valueType }
  if (definition.type === 'array') return { kind: 'list' }
  if (definition.type === 'number' || definition.type === 'boolean') return { kind: definition.type }
  return { kind: 'string' }
}

/** The schema at a path, or `undefined` where the path leaves the schema. */
export function schemaAt(schema: z.ZodType, path: readonly PropertyKey[]): z.ZodType | undefined {
  let at: z.ZodType | undefined = schema
  for (const key of path) {
    if (at === undefined) return undefined
    const shape = shapeOf(at)
    if (shape.kind === 'object') at = shape.members.get(String(key))
    else at = shape.kind === 'record' ? shape.value : undefined
  }
  return at
}
