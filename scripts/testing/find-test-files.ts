import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const rooms = ['packages', 'services', 'simulators', 'cli', 'bench', 'scripts', 'simulation', 'controls']

/** They mostly wait, for times that the product or a network keeps, and use less than half a core: others use it meanwhile. */
export const waitingFiles: readonly string[] = [
  'cli/forwards.test.ts',
  'packages/runtime/identity/identity.test.ts',
  'packages/runtime/transport/observe-tls.test.ts',
  'packages/store/jobs/start-workers.test.ts',
  'packages/verify/api-keys.test.ts',
  'packages/verify/denial-of-service.test.ts',
  'services/custodian/root-keys/shares/listen-for-shares.test.ts',
  'services/dispatcher/acme/acme.test.ts',
  'services/dispatcher/connectors/airtel-money/airtel-money.test.ts',
  'services/dispatcher/connectors/airtel-money/conformance.test.ts',
  'services/dispatcher/connectors/mtn-momo/conformance.test.ts',
  'services/dispatcher/connectors/testing/sabotage.test.ts',
  'services/dispatcher/dispatcher.test.ts',
  'services/dispatcher/takeovers.test.ts',
  'services/dispatcher/webhooks/tell-endpoints.test.ts',
  'services/gateway/access/key-life.test.ts',
  'services/gateway/access/operations.test.ts',
  'services/gateway/http/denial-of-service.test.ts',
  'services/gateway/process/with-custodian.test.ts',
  'services/gateway/transport/pins.test.ts',
  'services/gateway/transport/staples.test.ts',
  'simulators/airtel-money/airtel-money.test.ts',
  'simulators/mtn-momo/mtn-momo.test.ts',
]

/** They take longest of all others, and run first of them: begun as the last, each would keep one core while another rests. */
export const longFiles: readonly string[] = [
  'simulation/repetitions.test.ts',
  'simulation/postgres/postgres.test.ts',
  'services/custodian/key-life/kill-rotations.test.ts',
  'services/custodian/main.test.ts',
  'services/custodian/calls/attack-table.test.ts',
  'services/custodian/pair-process.test.ts',
  'services/custodian/pair.test.ts',
  'simulation/simulation.test.ts',
  'simulation/broken-stores.test.ts',
]

/**
 * Test files, relative to the root, in groups: those that start the whole platform, of which one runs at a time, those that
 * mostly wait, and all others, the longest of them first.
 */
export function findTestFiles(root: string, filters: readonly string[]): { side: string[]; platform: string[]; waiting: string[] } {
  const files = rooms
    .flatMap((room) => globSync(`${room}/**/*.test.ts`, { cwd: root, exclude: (path) => path.includes('node_modules') }))
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .toSorted()
  const waiting = files.filter((file) => waitingFiles.includes(file))
  const others = files.filter((file) => !waiting.includes(file))
  const platform = others.filter((file) => startsPlatform(readFileSync(join(root, file), 'utf8')))
  const side = others.filter((file) => !platform.includes(file))
  const [long, rest] = [longFiles.filter((file) => side.includes(file)), side.filter((file) => !longFiles.includes(file))]
  return { side: [...long, ...rest], platform, waiting }
}

/** As the kit for tests starts one; nothing else of a test file starts more than a process or two. */
function startsPlatform(text: string): boolean {
  return /\bPlatform\.(?:create|start)\(/.test(text)
}
