import { idPattern, type Id, type IdKind } from '@ngome/kernel'
import { z } from 'zod'

/** The schema of an id of this kind; its output is branded. */
export function idSchema<K extends IdKind>(kind: K): z.ZodType<Id<K>, string> {
  return z.string().regex(idPattern(kind)) as unknown as z.ZodType<Id<K>, string>
}

export const worldSchema = z.enum(['test', 'live'])
