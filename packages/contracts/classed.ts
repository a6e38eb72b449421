import type { DataClass } from '@ngome/kernel'
import type { z } from 'zod'

/** The key under which a schema carries its class; OpenAPI keeps it, since it starts with `x-`. */
export const classKey = 'x-class'

/** Marks a field with its class. A test refuses a boundary field that has none (promise R28). */
export function classed<T extends z.ZodType>(dataClass: DataClass, schema: T): T {
  return schema.meta({ ...schema.meta(), [classKey]: dataClass })
}

/** @returns the class of a field, looked for through optional and nullable wrappers. */
export function classOf(schema: z.ZodType): DataClass | undefined {
  const own = schema.meta()?.[classKey]
  if (own !== undefined) return own as DataClass
  const inner = (schema.def as { innerType?: z.ZodType }).innerType
  return inner === undefined ? undefined : classOf(inner)
}
