import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Secret, systemClock, systemRandom } from '@ngome/kernel'
import { testDatabase, type TestDatabase } from '@ngome/testkit'
import { Misuse, type Command } from './command.ts'
import { networksList } from './networks-list.ts'
import { networksMaintenanceAdd } from './networks-maintenance-add.ts'
import { networksMaintenanceList } from './networks-maintenance-list.ts'
import { networksMaintenanceRemove } from './networks-maintenance-remove.ts'

const folder = mkdtempSync(join(tmpdir(), 'ngome-networks-'))
let database: TestDatabase
before(async () => {
  database = await testDatabase()
  mkdirSync(join(folder, 'operator'))
  const { password } = database.connection('ngome_operator')
  password.expose((text) => { writeFileSync(join(folder, 'operator', 'db-password'), text, { mode: 0o600 }) })
})
after(async () => {
  await database.close()
  rmSync(folder, { recursive: true })
})

/** Runs a command as the operator, beside no platform. @returns its exit code and what it says */
async function run(command: Command, operands: Readonly<Record<string, string>> = {}, options: Readonly<Record<string, string>> = {}): Promise<readonly [number, string]> {
  const lines: string[] = []
  const { host, port } = database.admin
  const code = await command.run({
    env: {
      NGOME_DATA: folder, NGOME_CONFIG: '', NGOME_DATABASE__HOST: host, NGOME_DATABASE__PORT: String(port), NGOME_DATABASE__NAME: database.name,
    },
    root: folder, clock: systemClock, random: systemRandom, isTerminal: false, interrupted: new AbortController().signal,
    out: (line) => void lines.push(line), err: (line) => void lines.push(line), askSecret: async () => new Secret(''), onReload: () => undefined,
  }, { operands, options, isJson: false })
  return [code, lines.join('\n')]
}

test('a network is closed, shown to be, and opened by the operator', async () => {
  const network = 'mtn-sandbox'
  const [from, to] = [-60_000, 3_600_000].map((ms) => new Date(systemClock.nowMs() + ms).toISOString()) as [string, string]
  assert.match((await run(networksList))[1], /mtn-sandbox {2}test {2}mtn-momo {2}EUR {2}collection,payout,refund {2}unknown/)
  assert.deepEqual((await run(networksMaintenanceAdd, { network }, { from, to, reason: 'Upgrade' }))[0], 0)
  assert.notEqual((await run(networksMaintenanceAdd, { network }, { from, to }))[0], 0)
  assert.ok((await run(networksList))[1].endsWith(`maintenance since ${from}`))
  assert.match((await run(networksMaintenanceList))[1], /mtn-sandbox {2}.* by operator {2}Upgrade/)
  assert.deepEqual((await run(networksMaintenanceRemove, { network, from }))[0], 0)
  assert.notEqual((await run(networksMaintenanceRemove, { network, from }))[0], 0)
  assert.match((await run(networksMaintenanceList))[1], /no network is to be closed/)
})

const misuses: readonly (readonly [string, string, Readonly<Record<string, string>>])[] = [
  ['a network that is not configured', 'mtn-xx', { to: '2127-01-01T00:00:00Z', from: '2126-12-31T00:00:00Z' }],
  ['no end', 'mtn-sandbox', {}],
  ['an end without a zone', 'mtn-sandbox', { to: '2127-01-01T00:00:00' }],
  ['an end before the beginning', 'mtn-sandbox', { from: '2127-01-02T00:00:00Z', to: '2127-01-01T00:00:00Z' }],
  ['a year', 'mtn-sandbox', { from: '2127-01-01T00:00:00Z', to: '2128-01-01T00:00:00Z' }],
  ['a reason that is a page', 'mtn-sandbox', { from: '2127-01-01T00:00:00Z', to: '2127-01-02T00:00:00Z', reason: '<script>' }],
]
for (const [what, network, options] of misuses) {
  test(`closing is refused with ${what}`, () => assert.rejects(run(networksMaintenanceAdd, { network }, options), Misuse))
}
