import type { z } from 'zod'
import { nearest } from './nearest.ts'
import { configObject } from './fields.ts'
import { schemaAt, shapeOf } from './schema-shape.ts'

export type Environment = Readonly<Record<string, string | undefined>>
export type Problem = { readonly at: string; readonly message: string }
/** Reads a text file; passed in, so that a test can hold the disk. */
export type ReadText = (path: string) => string

/** Variables with our prefix that are not configuration. */
export const specialVariables = {
  NGOME_DATA: 'the data folder',
  NGOME_CONFIG: 'path of the configuration file; empty: use none',
  NGOME_ENROLMENT_TOKEN: 'the one-time token of a process that starts',
  NGOME_API_KEY: 'a merchant\'s key, for the SDK',
  NGOME_BASE_URL: 'where the API is, for the SDK',
  NGOME_VECTORS: 'folder of third-party test vectors',
} as const

const prefix = 'NGOME_'

/** Names by which operators know a value, beside the one that follows from its place. */
const shortVariables: Readonly<Record<string, readonly string[]>> = {
  DATABASE_URL: ['database', 'url'],
  NGOME_ROOT_KEY: ['custodian', 'rootKey'],
}

/** A key in the environment's spelling: `internalPort` and `internal-port` are `INTERNAL_PORT`. */
export function variableSegment(key: string): string {
  return key.replace(/[A-Z]/g, '_$&').replaceAll('-', '_').toUpperCase()
}

/** The variable that sets a place in the configuration. */
export function variableOf(path: readonly PropertyKey[]): string {
  return prefix + path.map((key) => variableSegment(String(key))).join('__')
}

/**
 * Puts the variables of the environment over a configuration tree; each problem is noted, none is thrown.
 * @param tree changed in place
 */
export function applyEnvironment(
  tree: Record<string, unknown>, env: Environment, readText: ReadText, problems: Problem[],
): void {
  const source = new Map<string, string>()
  const set = (variable: string, path: readonly string[], value: unknown) => {
    const other = source.get(path.join('.'))
    if (other !== undefined) problems.push({ at: variable, message: `is set beside ${other}: remove one of the two` })
    source.set(path.join('.'), variable)
    setAt(tree, path, value)
  }
  for (const [variable, text] of Object.entries(env)) {
    if (text === undefined || Object.hasOwn(specialVariables, variable)) continue
    const short = shortVariables[variable]
    if (short !== undefined) set(variable, short, text)
    if (short !== undefined || !variable.startsWith(prefix)) continue
    const found = findPlace(variable)
    if (found === undefined) {
      problems.push({ at: variable, message: `is not known: ${suggestion(variable, tree)}` })
      continue
    }
    const value = found.isFile ? readSecret(variable, text, readText, problems) : valueOf(found.schema, text)
    if (value !== undefined) set(variable, found.path, value)
  }
}

/** Whether the variable holds a secret, or names the file that does. */
export function isSecretVariable(variable: string): boolean {
  const found = variable.startsWith(prefix) ? findPlace(variable) : undefined
  return found !== undefined && shapeOf(found.schema).kind === 'secret'
}

type Place = { readonly path: readonly string[]; readonly schema: z.ZodType; readonly isFile: boolean }

function findPlace(variable: string): Place | undefined {
  const exact = placeOf(variable)
  if (exact !== undefined) return { ...exact, isFile: false }
  if (!variable.endsWith('_FILE')) return undefined
  const secret = placeOf(variable.slice(0, -'_FILE'.length))
  return secret !== undefined && shapeOf(secret.schema).kind === 'secret' ? { ...secret, isFile: true } : undefined
}

function placeOf(variable: string): Omit<Place, 'isFile'> | undefined {
  const path: string[] = []
  let schema: z.ZodType = configObject
  for (const segment of variable.slice(prefix.length).split('__')) {
    const shape = shapeOf(schema)
    if (shape.kind === 'record') {
      path.push(segment.toLowerCase().replaceAll('_', '-'))
      schema = shape.value
      continue
    }
    if (shape.kind !== 'object') return undefined
    const member = [...shape.members].find(([key]) => variableSegment(key) === segment)
    if (member === undefined) return undefined
    path.push(member[0])
    schema = member[1]
  }
  const { kind } = shapeOf(schema)
  return kind === 'object' || kind === 'record' || path[0] === 'dataDir' ? undefined : { path, schema }
}

function valueOf(schema: z.ZodType, text: string): unknown {
  switch (shapeOf(schema).kind) {
    // What is not a plain number stays text, so that the schema names the field and what it wants.
    case 'number': return /^-?(?:0|[1-9][0-9]{0,14})$/.test(text) ? Number(text) : text
    case 'boolean': return text === 'true' ? true : text === 'false' ? false : text
    case 'list': return text === '' ? [] : text.split(',').map((part) => part.trim())
    default: return text
  }
}

function readSecret(variable: string, path: string, readText: ReadText, problems: Problem[]): string | undefined {
  try {
    // One line end is what editors and `echo` add; a secret with white space of its own does not exist here.
    return readText(path).replace(/\r?\n$/, '')
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
    problems.push({ at: variable, message: `names a file that cannot be read (${reason}): check the path and its owner` })
    return undefined
  }
}

function setAt(tree: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let at = tree
  for (const key of path.slice(0, -1)) {
    const next = at[key]
    const isObject = typeof next === 'object' && next !== null && !Array.isArray(next)
    const child = isObject ? next as Record<string, unknown> : {}
    at[key] = child
    at = child
  }
  at[path.at(-1) ?? ''] = value
}

function suggestion(variable: string, tree: Readonly<Record<string, unknown>>): string {
  const known = nearest(variable, [...Object.keys(specialVariables), ...knownVariables(tree)])
  return known === undefined ? 'remove it' : `did you mean ${known}?`
}

/** Every variable that sets something; a record's members are those that the tree has. */
function knownVariables(tree: Readonly<Record<string, unknown>>): string[] {
  const names: string[] = []
  const walk = (path: readonly string[], value: unknown) => {
    const schema = schemaAt(configObject, path)
    if (schema === undefined) return
    const shape = shapeOf(schema)
    const members: Readonly<Record<string, unknown>> = { ...(typeof value === 'object' ? value : {}) }
    if (shape.kind === 'object') for (const key of shape.members.keys()) walk([...path, key], members[key])
    else if (shape.kind === 'record') for (const key of Object.keys(members)) walk([...path, key], members[key])
    else if (path[0] !== 'dataDir') {
      names.push(variableOf(path))
      if (shape.kind === 'secret') names.push(`${variableOf(path)}_FILE`)
    }
  }
  walk([], tree)
  return names
}
