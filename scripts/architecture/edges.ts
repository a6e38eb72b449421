import { isTesting, roomOf, type Module } from './read-modules.ts'

/** What breaks a rule, and where; `rule` is what the list of exceptions names. */
export type Violation = { readonly rule: string; readonly path: string; readonly detail: string; readonly size?: number }

const everyPackage = 'packages/*'

/**
 * Which room may import which: the design's matrix. A room that is not here may import nothing, and a row for a room
 * that is gone is a violation too.
 */
export const allowedEdges: Readonly<Record<string, readonly string[]>> = {
  'packages/kernel': [],
  'packages/contracts': ['packages/kernel'],
  'packages/envelope': ['packages/kernel'],
  'packages/signatures': ['packages/kernel'],
  'packages/audit': ['packages/kernel'],
  'packages/payments': ['packages/kernel', 'packages/contracts'],
  'packages/access': ['packages/kernel', 'packages/contracts'],
  'packages/behaviour': ['packages/kernel', 'packages/contracts'],
  'packages/store': ['packages/kernel', 'packages/contracts', 'packages/payments', 'packages/access'],
  'packages/runtime': ['packages/kernel', 'packages/contracts'],
  // What merchants install stands on nothing of ours.
  'packages/sealer': [],
  'packages/sdk': [],
  'packages/verify': [everyPackage],
  'packages/testkit': [everyPackage],
  'services/gateway': [everyPackage],
  'services/custodian': [everyPackage],
  'services/dispatcher': [everyPackage],
  'simulators/acme': [everyPackage],
  'simulators/airtel-money': [everyPackage, 'simulators/common'],
  'simulators/card-acquirer': [everyPackage, 'simulators/common'],
  'simulators/common': [],
  'simulators/mtn-momo': [everyPackage, 'simulators/common'],
  'cli': [everyPackage],
  // The handlers and jobs themselves, between models of all that is around them.
  'simulation': [everyPackage, 'services/gateway', 'services/dispatcher'],
  // A benchmark measures a service from inside, next to its rivals.
  'bench': [everyPackage, 'services/gateway', 'services/custodian', 'services/dispatcher'],
  // A long run kills a service from inside its tests' own folder; the SDK's types are made of the gateway's document.
  'scripts': [everyPackage, 'services/custodian', 'services/gateway', 'simulation'],
}

/** Only tests and the machinery of tests may stand on the test kit. */
const testkit = 'packages/testkit'
const testkitUsers: readonly string[] = ['bench', 'scripts', 'simulation', testkit]

/** Refuses an import that the matrix does not allow, and one that reaches past a room's `mod.ts`. */
export function edgeViolations(modules: readonly Module[]): Violation[] {
  return modules.flatMap((module) => module.imports.flatMap(({ specifier, target }) => {
    if (target === undefined) return []
    const problem = problemOf(module, specifier, target)
    return problem === undefined ? [] : [{ rule: 'edge', path: module.path, detail: problem }]
  }))
}

function problemOf(module: Module, specifier: string, target: string): string | undefined {
  const to = roomOf(target)
  const isRelative = specifier.startsWith('.')
  if (isTesting(target) && !module.isTest && !testkitUsers.includes(module.room)) return `${specifier} is the tests' own`
  if (to === module.room) return isRelative ? undefined : `${specifier} is this room itself; import its file`
  // Services have no mod.ts; who may reach into one has a row that says so.
  if (isRelative && !allowedEdges[module.room]?.includes(to)) return `${specifier} reaches into ${to}`
  if (/^@ngome\/[^/]+\/./.test(specifier)) return `${specifier} reaches past the room's mod.ts`
  return isAllowed(module, to) ? undefined : `${module.room} may not import ${to}`
}

/** Refuses a matrix and a tree that differ: a room without a row, and a row without a room. */
export function roomViolations(modules: readonly Module[]): Violation[] {
  const rooms = new Set(modules.filter(({ isTest }) => !isTest).map(({ room }) => room))
  const unknown = [...rooms].filter((room) => !(room in allowedEdges) && room !== 'bin')
  const gone = Object.keys(allowedEdges).filter((room) => !rooms.has(room))
  return [
    ...unknown.map((room) => ({ rule: 'room', path: room, detail: 'has no row in the matrix of allowed edges' })),
    ...gone.map((room) => ({ rule: 'room', path: room, detail: 'has a row in the matrix, but no source file' })),
  ]
}

function isAllowed(module: Module, to: string): boolean {
  if (to === testkit) return module.isTest || testkitUsers.includes(module.room)
  const rows = allowedEdges[module.room] ?? []
  return rows.some((row) => row === to || (row === everyPackage && to.startsWith('packages/')))
}
