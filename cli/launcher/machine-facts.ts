import { findProgram } from './find-program.ts'
import { isolationChain, planIsolation, type MachineFacts } from './isolation.ts'
import { complaint, runProgram } from './run-program.ts'

/** What a process of its own user must be able to do: read the clone's code and reach the data folder. */
const trialProgram = `
const { accessSync, constants, readdirSync, readFileSync } = require('node:fs')
const [root, dataDir] = process.argv.slice(1)
for (const part of ['package.json', 'cli/main.ts', 'packages/kernel/mod.ts']) readFileSync(root + '/' + part)
readdirSync(root + '/node_modules')
accessSync(dataDir, constants.X_OK)
`

/**
 * Finds out what this machine allows by doing it once.
 * @param uid a user id of ours to try with
 * @param rules the egress rules that will be asked for
 */
export async function machineFacts(from: {
  readonly root: string
  readonly dataDir: string
  readonly uid: number | undefined
  readonly rules: string | undefined
}): Promise<MachineFacts> {
  const bare: MachineFacts = {
    platform: process.platform,
    isRoot: process.getuid?.() === 0,
    setpriv: findProgram('setpriv'),
    prlimit: findProgram('prlimit'),
    nft: findProgram('nft'),
    ownUserObstacle: undefined,
    egressObstacle: undefined,
  }
  if (planIsolation(bare).ownUsers.status === 'off') return bare
  const withUsers = { ...bare, ownUserObstacle: await ownUserObstacle(bare, from) }
  if (planIsolation(withUsers).egressRules.status === 'off' || bare.nft === undefined) return withUsers
  if (from.rules === undefined) return withUsers
  const checked = await runProgram([bare.nft, '--check', '--file', '-'], from.rules)
  return { ...withUsers, egressObstacle: checked.code === 0 ? undefined : `the kernel refuses the rules: ${complaint(checked)}` }
}

async function ownUserObstacle(
  facts: MachineFacts, from: { readonly root: string; readonly dataDir: string; readonly uid: number | undefined },
): Promise<string | undefined> {
  const [file, ...chain] = isolationChain(facts, planIsolation(facts), from.uid)
  if (file === undefined) return 'there is no program to change the user with'
  const tried = await runProgram([file, ...chain, process.execPath, '-e', trialProgram, from.root, from.dataDir])
  if (tried.code === 0) return undefined
  const line = tried.stderr.split('\n').find((text) => text.startsWith('Error: ')) ?? complaint(tried)
  return `a user of its own cannot run from this clone and data folder: ${line.replace(/^Error: /, '').trim()}`
}
