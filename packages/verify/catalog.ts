import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Fault } from '@ngome/kernel'
import { z } from 'zod'

const id = z.string().regex(/^[KR][1-9][0-9]?$/)
const text = z.string().min(1).max(500)
const room = z.string().regex(/^[a-z0-9/-]+$/)

const builtControlSchema = z.strictObject({
  id,
  promise: text,
  room,
  probes: z.array(z.string().regex(/^[a-z0-9-]+$/)).min(1),
  /** How long a result counts. Past it the row is unchecked again. */
  intervalS: z.int().min(60).max(2_678_400),
  /** Why this deployment can keep the promise in part only. */
  atMost: text.optional(),
  /** Parts of the promise that no probe looks at yet; they keep the row unchecked. */
  toBuild: z.array(text).min(1).optional(),
})

const unbuiltControlSchema = z.strictObject({ id, promise: text, room, built: z.literal(false), area: text })

const fileSchema = z.array(z.union([builtControlSchema, unbuiltControlSchema]))

export type BuiltControl = z.output<typeof builtControlSchema>
export type UnbuiltControl = z.output<typeof unbuiltControlSchema>
/** One promise, as a file of `controls/` states it. */
export type Control = BuiltControl | UnbuiltControl

/**
 * Reads every file of the catalog, in the order of the ids.
 * @throws Fault `config/invalid` where a file is not a list of controls, or an id stands twice
 */
export function readCatalog(folder: string): Control[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json')).toSorted()
  const controls = files.flatMap((name) => parseFile(join(folder, name)))
  const ids = new Set(controls.map((control) => control.id))
  if (ids.size !== controls.length) throw new Fault('config/invalid', `${folder} states a promise twice`)
  return controls.toSorted((a, b) => orderOf(a.id) - orderOf(b.id))
}

export function isBuilt(control: Control): control is BuiltControl {
  return !('built' in control)
}

function parseFile(path: string): Control[] {
  const parsed = fileSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')))
  if (parsed.success) return parsed.data
  throw new Fault('config/invalid', `${path} is not a list of controls: ${z.prettifyError(parsed.error)}`)
}

/** K before R, and numbers as numbers: K2 before K10. */
function orderOf(controlId: string): number {
  return (controlId.startsWith('K') ? 0 : 1000) + Number(controlId.slice(1))
}
