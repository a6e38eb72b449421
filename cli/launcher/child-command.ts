import { join } from 'node:path'
import type { ChildCommand } from './child.ts'
import { fipsFlags } from './fips.ts'
import { processTable, type ProcessName } from './process-table.ts'

export type ChildSurroundings = {
  readonly root: string
  readonly dataDir: string
  /** The configuration file that processes read; `undefined` where there is none. */
  readonly configFile: string | undefined
  /** The programs of isolation that come before Node, outermost first. */
  readonly chain: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Whether it may load native code: only the custodian, and only for its HSM's module. */
  readonly hasAddon: boolean
  /** Whether the launcher itself runs with `--enable-fips`. */
  readonly isFips: boolean
  /** Files of the operator's that this process reads, and the folders where they are replaced. */
  readonly operatorFiles: readonly string[]
}

/** The command line of one process, with the seat belt of Node's permission model: no threads, no child processes. */
export function childCommand(name: ProcessName, surroundings: ChildSurroundings): ChildCommand {
  const { root, dataDir, configFile, chain, env, hasAddon, isFips, operatorFiles } = surroundings
  const { entry, folder, hasSqlite } = processTable[name]
  const own = join(dataDir, folder)
  const readable = [root, own, join(dataDir, 'ca.pem'), ...(configFile === undefined ? [] : [configFile]), ...operatorFiles]
  const [file, ...rest] = [
    ...chain, process.execPath, ...fipsFlags(isFips),
    '--permission', '--allow-net',
    ...readable.map((path) => `--allow-fs-read=${path}`), `--allow-fs-write=${own}`,
    ...(hasAddon ? ['--allow-addons'] : []),
    ...(hasSqlite ? [] : ['--no-experimental-sqlite']),
    '--disable-warning=ExperimentalWarning',
    join(root, entry),
  ]
  return { name, argv: [file ?? process.execPath, ...rest], env, cwd: root }
}
