import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Secret, systemClock, systemRandom } from '@ngome/kernel'
import { testDatabase, type TestDatabase } from '@ngome/testkit'
import type { Command } from '../command.ts'
import { startCustodianBeside } from './custodian-beside.ts'

/** An operator with a database, perhaps a custodian, and no platform beside it. */
export type OperatorAt = {
  readonly database: TestDatabase
  /** For what a test writes; it goes with the rest. */
  readonly folder: string
  /** PEM; where it has a custodian. */
  readonly authority: string | undefined
  /** @returns its exit code and what it says */
  run(command: Command, operands?: Readonly<Record<string, string>>, options?: Readonly<Record<string, string | boolean>>, isJson?: boolean): Promise<readonly [number, string]>
  close(): Promise<void>
}

/**
 * @param settings variables of the configuration, beside those of the database
 * @param extra `hasCustodian`: its own process
 */
export async function operatorAt(settings: Readonly<Record<string, string>> = {}, extra: { readonly hasCustodian?: boolean } = {}): Promise<OperatorAt> {
  const database = await testDatabase()
  const folder = mkdtempSync(join(tmpdir(), 'ngome-operator-'))
  mkdirSync(join(folder, 'operator'))
  database.connection('ngome_operator').password
    .expose((text) => { writeFileSync(join(folder, 'operator', 'db-password'), text, { mode: 0o600 }) })
  const { host, port } = database.admin
  const custodian = extra.hasCustodian === true ? await startCustodianBeside(folder) : undefined
  const places = custodian === undefined ? {} : { NGOME_CUSTODIAN__PORT: String(custodian.port), NGOME_CUSTODIAN__ENROLMENT_PORT: String(custodian.enrolmentPort) }
  return {
    database,
    folder,
    authority: custodian && readFileSync(join(folder, 'ca.pem'), 'utf8'),
    async run(command, operands = {}, options = {}, isJson = false) {
      const lines: string[] = []
      const say = (line: string) => void lines.push(line)
      const code = await command.run({
        env: { NGOME_DATA: folder, NGOME_CONFIG: '', NGOME_DATABASE__HOST: host, NGOME_DATABASE__PORT: String(port), NGOME_DATABASE__NAME: database.name, ...places, ...settings },
        root: folder, clock: systemClock, random: systemRandom, isTerminal: false, interrupted: new AbortController().signal,
        out: say, err: say, askSecret: async () => new Secret(''), onReload: () => undefined,
      }, { operands, options, isJson })
      return [code, lines.join('\n')]
    },
    async close() {
      await custodian?.close()
      await database.close()
      rmSync(folder, { recursive: true })
    },
  }
}
