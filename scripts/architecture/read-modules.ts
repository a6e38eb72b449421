import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { parseSync } from 'oxc-parser'
import { functionSpans, type FunctionSpan } from './function-spans.ts'

/** One source file, and what the rules need to know of it. Paths are relative to the root, with slashes. */
export type Module = {
  readonly path: string
  /** The folder that is one room: `packages/kernel`, `services/gateway`, `cli`. */
  readonly room: string
  /** A test, or something that only tests stand on: a file below a folder `testing`. */
  readonly isTest: boolean
  readonly text: string
  /** The text with its comments blanked out. */
  readonly code: string
  readonly lineCount: number
  readonly imports: readonly Import[]
  readonly functions: readonly FunctionSpan[]
  readonly hasDefaultExport: boolean
  /** Statements that are neither `export … from` nor comments. */
  readonly ownStatements: number
}

export type Import = {
  readonly specifier: string
  readonly names: readonly string[]
  readonly isTypeOnly: boolean
  /** The module of ours that it reaches, or `undefined` for a package from outside. */
  readonly target: string | undefined
}

const topRooms = ['cli', 'bench', 'scripts', 'simulation', 'bin'] as const
const groups = ['packages', 'services', 'simulators'] as const

/** Reads every module of ours. @throws Error where a file does not parse */
export function readModules(root: string): Module[] {
  const patterns = [...topRooms, ...groups].map((folder) => `${folder}/**/*.ts`)
  return globSync(patterns, { cwd: root, exclude: (path) => path.includes('node_modules') })
    .map((path) => path.replaceAll('\\', '/'))
    .toSorted()
    .map((path) => readModule(root, path))
}

/** Whether a path lies in a room's folder for its tests' own machinery. `scripts/testing` is the product's gate itself. */
export function isTesting(path: string): boolean {
  return path.includes('/testing/') && !path.startsWith('scripts/')
}

/** @returns the room of a path: two folders deep for packages, services and simulators, one for the rest. */
export function roomOf(path: string): string {
  const [top = '', second = ''] = path.split('/')
  return (groups as readonly string[]).includes(top) ? `${top}/${second}` : top
}

function readModule(root: string, path: string): Module {
  const text = readFileSync(join(root, path), 'utf8')
  const { program, module, comments, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path} does not parse: ${errors[0]?.message}`)
  const reExports = module.staticExports.flatMap(({ entries }) => entries)
  const imports = [
    ...module.staticImports.map(({ moduleRequest, entries }) => ({
      specifier: moduleRequest.value,
      names: entries.map((entry) => entry.importName.name ?? '*'),
      isTypeOnly: entries.length > 0 && entries.every((entry) => entry.isType),
    })),
    ...reExports.flatMap(({ moduleRequest, importName, isType }) => {
      return moduleRequest === null ? [] : [{ specifier: moduleRequest.value, names: [importName.name ?? '*'], isTypeOnly: isType }]
    }),
    ...module.dynamicImports.map(({ moduleRequest }) => ({
      specifier: literal(text.slice(moduleRequest.start, moduleRequest.end)),
      names: ['*'],
      isTypeOnly: false,
    })),
  ]
  return {
    path,
    room: roomOf(path),
    isTest: path.endsWith('.test.ts') || isTesting(path),
    text,
    code: blankOut(text, comments),
    lineCount: text.split('\n').length - (text.endsWith('\n') ? 1 : 0),
    imports: imports.map((each) => ({ ...each, target: resolve(root, path, each.specifier) })),
    functions: functionSpans(program, text),
    hasDefaultExport: reExports.some(({ exportName }) => exportName.kind === 'Default' || exportName.name === 'default'),
    ownStatements: program.body.filter((statement) => !isReExport(statement)).length,
  }
}

/** What `import()` gives for something that only the running program knows. */
export const computedSpecifier = '(computed)'

function literal(source: string): string {
  return /^'[^'$]*'$|^"[^"$]*"$/.exec(source)?.[0].slice(1, -1) ?? computedSpecifier
}

function blankOut(text: string, spans: readonly { start: number; end: number }[]): string {
  let code = text
  for (const { start, end } of spans) {
    code = code.slice(0, start) + code.slice(start, end).replace(/[^\n]/g, ' ') + code.slice(end)
  }
  return code
}

function isReExport(statement: { type: string; source?: unknown }): boolean {
  const isExport = statement.type === 'ExportNamedDeclaration' || statement.type === 'ExportAllDeclaration'
  return isExport && statement.source !== null && statement.source !== undefined
}

/** Our packages' folders are their names, but for rooms that wear their group: `@ngome/service-gateway`. */
function resolve(root: string, from: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return normalize(join(dirname(from), specifier)).replaceAll('\\', '/')
  const name = /^@ngome\/([^/]+)/.exec(specifier)?.[1]
  if (name === undefined) return undefined
  const folder = name.startsWith('service-') ? `services/${name.slice(8)}`
    : name.startsWith('simulator-') ? `simulators/${name.slice(10)}`
    : existsSync(join(root, 'packages', name)) ? `packages/${name}` : name
  return `${folder}/mod.ts`
}
