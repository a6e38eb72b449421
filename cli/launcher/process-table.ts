import { join } from 'node:path'

/** The processes that the launcher starts from this clone. User ids follow their order: a new one is the last. */
export const processNames = ['custodian', 'simulator', 'gateway', 'dispatcher', 'airtel-simulator', 'card-simulator'] as const
export type ProcessName = (typeof processNames)[number]

export type ProcessRow = {
  /** The program, relative to the clone. */
  readonly entry: string
  /** Its own folder, relative to the data folder: the only one that it reads and writes. */
  readonly folder: string
  /** Node's SQLite opens files past the permission model, so only the one process that needs it has it. */
  readonly hasSqlite: boolean
}

export const processTable: Readonly<Record<ProcessName, ProcessRow>> = {
  'custodian': { entry: join('services', 'custodian', 'main.ts'), folder: 'custodian', hasSqlite: true },
  'simulator': {
    entry: join('simulators', 'mtn-momo', 'main.ts'), folder: join('simulators', 'mtn-momo'), hasSqlite: false,
  },
  'gateway': { entry: join('services', 'gateway', 'main.ts'), folder: 'gateway', hasSqlite: false },
  'dispatcher': { entry: join('services', 'dispatcher', 'main.ts'), folder: 'dispatcher', hasSqlite: false },
  'airtel-simulator': {
    entry: join('simulators', 'airtel-money', 'main.ts'), folder: join('simulators', 'airtel-money'), hasSqlite: false,
  },
  'card-simulator': {
    entry: join('simulators', 'card-acquirer', 'main.ts'), folder: join('simulators', 'card-acquirer'), hasSqlite: false,
  },
}
