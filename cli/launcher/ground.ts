import { join } from 'node:path'
import type { Random } from '@ngome/kernel'
import { processFolder, type Config } from '@ngome/runtime'
import type { RunAs } from '@ngome/store'
import { ownFolder } from './data-folder.ts'
import { egressRules, egressTable } from './egress-rules.ts'
import { isolationChain, planIsolation, type IsolationReport, type MachineFacts } from './isolation.ts'
import { machineFacts } from './machine-facts.ts'
import { assertReachable, postgresUser } from './postgres-user.ts'
import { processNames, processTable, type ProcessName } from './process-table.ts'
import { processReaches } from './reaches.ts'
import { lastOfBlock, userIds, type UserIds } from './user-ids.ts'

/** What an instance stands on: its folders with their owners, and what isolates its processes. */
export type Ground = {
  readonly facts: MachineFacts
  readonly report: IsolationReport
  readonly postgres: RunAs | undefined
  readonly table: string
  /** The egress rules to put in force; `undefined` where they are off. */
  readonly rules: string | undefined
  /** The user of the ban helper, where there are users of our own. */
  readonly banHelperUid: number | undefined
  /** Who owns a process's files, `undefined` where it is whoever runs the launcher. */
  ownerOf(name: ProcessName): number | undefined
  chainOf(name: ProcessName): readonly string[]
}

/** Finds out how far processes can be kept apart here, and makes the folders accordingly. */
export async function prepareGround(config: Config, root: string, random: Random): Promise<Ground> {
  const isRoot = process.getuid?.() === 0
  const ids = isRoot && process.platform === 'linux' ? userIds(join(processFolder(config, 'launcher'), 'uids.json'), random) : undefined
  const postgres = isRoot && config.database.url === undefined ? await postgresUser() : undefined
  if (postgres !== undefined) assertReachable(config.dataDir, postgres)
  const table = egressTable(config.dataDir)
  const rules = ids === undefined ? undefined : egressRules(table, await processReaches(config, ids, postgres?.uid))
  const facts = await machineFacts({ root, dataDir: config.dataDir, uid: ids?.gateway, rules })
  const report = planIsolation(facts)
  const owners: Partial<UserIds> = report.ownUsers.status === 'on' ? ids ?? {} : {}
  for (const folder of ['operator', 'auditor'] as const) ownFolder(processFolder(config, folder), undefined)
  // Not a process's own: only the way to the simulators' folders.
  ownFolder(join(config.dataDir, 'simulators'), undefined, isRoot ? 0o711 : 0o700)
  for (const name of processNames) ownFolder(join(config.dataDir, processTable[name].folder), owners[name] ?? process.getuid?.())
  return {
    facts, report, postgres, table,
    rules: report.egressRules.status === 'on' ? rules : undefined,
    banHelperUid: owners.custodian === undefined ? undefined : owners.custodian + lastOfBlock,
    ownerOf: (name) => owners[name],
    chainOf: (name) => isolationChain(facts, report, owners[name]),
  }
}
