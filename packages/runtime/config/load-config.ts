import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Fault, parseStrictJson } from '@ngome/kernel'
import type { z } from 'zod'
import { applyEnvironment, variableOf, type Environment, type Problem } from './environment.ts'
import { configObject, defaultNetworks } from './fields.ts'
import { nearest } from './nearest.ts'
import { defaultPayouts } from './payouts.ts'
import { schemaAt, shapeOf } from './schema-shape.ts'
import { configSchema, type Config } from './schema.ts'

/** A configuration file past this is not one that a person wrote. */
const fileBytesMax = 262_144
const fileBounds = { depthMax: 8, nodesMax: 10_000 }

export type ConfigSurroundings = {
  /** What relative paths are relative to. Default: the process's working folder. */
  readonly workingDir?: string
  /** Whether the process is root, whose data lies in `/var/lib/ngome` by default. */
  readonly isRoot?: boolean
}

/**
 * Reads the configuration: the file, then the environment over it, then bounds and rules.
 * @param env the process's environment, given by `main.ts`
 * @throws Fault `config/invalid` with every problem that was found, each saying what to do
 */
export function loadConfig(env: Environment, surroundings: ConfigSurroundings = {}): Config {
  const problems: Problem[] = []
  const path = configPath(env, surroundings)
  const tree = path === undefined ? {} : readConfigFile(path, problems)
  // Before the environment, so that one variable changes one value of the default network and not the whole of it.
  if (tree['networks'] === undefined) {
    tree['networks'] = defaultNetworks()
    const { payouts = {} } = tree
    if (isRecord(payouts)) tree['payouts'] = { ...defaultPayouts(), ...payouts }
  }
  applyEnvironment(tree, env, (name) => readFileSync(name, 'utf8'), problems)
  const { workingDir = process.cwd() } = surroundings
  const inFile = tree['dataDir']
  if (env['NGOME_DATA'] !== undefined || inFile === undefined) tree['dataDir'] = defaultDataDir(env, surroundings)
  else if (typeof inFile === 'string' && inFile !== '') tree['dataDir'] = resolve(workingDir, inFile)
  const parsed = configSchema.safeParse(tree)
  if (!parsed.success) problems.push(...parsed.error.issues.flatMap((issue) => problemsOf(issue)))
  if (!parsed.success || problems.length > 0) throw invalid(path, problems)
  return parsed.data
}

/** The configuration file that {@link loadConfig} would read, or `undefined` where there is none. */
export function configPath(env: Environment, surroundings: ConfigSurroundings = {}): string | undefined {
  const workingDir = surroundings.workingDir ?? process.cwd()
  const named = env['NGOME_CONFIG']
  if (named !== undefined) return named === '' ? undefined : resolve(workingDir, named)
  const folders = [defaultDataDir(env, surroundings), workingDir]
  return folders.map((folder) => join(folder, 'ngome.json')).find((path) => isThere(path))
}

/** A process that may not look must be told, or it would run on defaults beside a file that says otherwise. */
function isThere(path: string): boolean {
  try {
    return existsSync(path)
  } catch (cause) {
    const advice = 'set NGOME_CONFIG to the file to read, or to nothing where there is none'
    throw new Fault('config/invalid', `this process may not look for ${path}: ${advice}`, { cause })
  }
}

function defaultDataDir(env: Environment, { workingDir = process.cwd(), isRoot }: ConfigSurroundings): string {
  const named = env['NGOME_DATA']
  if (named !== undefined && named !== '') return resolve(workingDir, named)
  return isRoot ?? process.getuid?.() === 0 ? '/var/lib/ngome' : resolve(workingDir, '.ngome')
}

function readConfigFile(path: string, problems: Problem[]): Record<string, unknown> {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (cause) {
    throw new Fault('config/invalid', `${path} cannot be read: check that it exists and who may read it`, { cause })
  }
  if (bytes.length > fileBytesMax) {
    throw new Fault('config/invalid', `${path} is larger than ${fileBytesMax} bytes: it is not a configuration file`)
  }
  const json = parseStrictJson(bytes, fileBounds)
  if (!json.ok) {
    throw new Fault('config/invalid', `${path} is not strict JSON (${json.reason} at character ${json.offset}): correct it`)
  }
  if (!isRecord(json.value)) throw new Fault('config/invalid', `${path} must hold one JSON object`)
  const tree = structuredClone(json.value)
  refuseSecrets(tree, [], problems)
  return tree
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The file is read by every process; a secret in it would be every process's secret. */
function refuseSecrets(value: unknown, path: readonly string[], problems: Problem[]): void {
  const schema = schemaAt(configObject, path)
  if (schema === undefined) return
  if (shapeOf(schema).kind === 'secret') {
    const message = `must not stand in a file that every process reads: set ${variableOf(path)}_FILE or ${variableOf(path)}`
    problems.push({ at: path.join('.'), message })
  } else if (isRecord(value)) {
    for (const [key, member] of Object.entries(value)) refuseSecrets(member, [...path, key], problems)
  }
}

type Issue = z.core.$ZodIssue

function problemsOf(issue: Issue): Problem[] {
  const at = issue.path.join('.')
  if (issue.code !== 'unrecognized_keys') return [{ at, message: `${issue.message} (${variableOf(issue.path)})` }]
  const parent = schemaAt(configObject, issue.path)
  const shape = parent === undefined ? undefined : shapeOf(parent)
  const siblings = shape?.kind === 'object' ? [...shape.members.keys()] : []
  return issue.keys.map((key) => {
    const known = nearest(key, siblings)
    const advice = known === undefined ? `remove it; known here: ${siblings.join(', ')}` : `did you mean ${known}?`
    return { at: [...issue.path, key].join('.'), message: `is not known: ${advice}` }
  })
}

function invalid(path: string | undefined, problems: readonly Problem[]): Fault {
  const lines = problems.map(({ at, message }) => `  ${at}: ${message}`)
  const from = path === undefined ? 'the environment' : `${path} and the environment`
  return new Fault('config/invalid', [`${problems.length} in ${from}:`, ...lines].join('\n'), {
    fields: problems.map(({ at, message }) => ({ pointer: `/${at.replaceAll('.', '/')}`, detail: message })),
  })
}
