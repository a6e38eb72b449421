import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { Frontier, hashLeaf, proveConsistency, proveInclusion, signCheckpoint, type NodeSource } from '@ngome/audit'
import { custodianLogOrigin, encodeCustodianLogEntry, type CustodianLogEntry } from '@ngome/contracts'
import { ManualClock, systemRandom, toBase64Url } from '@ngome/kernel'
import type { Attempt } from './custodian/custodian-view.ts'
import type { OpeningsLog } from './custodian/openings-log.ts'
import { openingsLogOnlyGrows } from './probes/openings-log-only-grows.ts'
import { runProbes } from './run-probes.ts'

const keys = generateKeyPairSync('ed25519')
const forgersKeys = generateKeyPairSync('ed25519')

/** A custodian's log in memory, kept as RFC 9162 says, until somebody does something to it. */
class Log {
  entries: CustodianLogEntry[] = []
  keys = keys
  note: string | undefined
  attempt: () => Attempt = () => {
    this.add({ caller: 'operator/01', operation: '/v1/secrets', outcome: 'refused' })
    return { outcome: 'refused' }
  }
  change: (answer: Awaited<ReturnType<OpeningsLog['pull']>>) => typeof answer = (answer) => answer

  constructor(count: number) {
    for (let at = 0; at < count; at++) this.add({})
  }

  add(entry: Partial<CustodianLogEntry>): void {
    const row = { atMs: 1_800_000_000_000, caller: 'dispatcher/01', operation: '/v1/open', outcome: 'allowed', reason: '', subject: 'x' } as const
    this.entries.push({ ...row, ...entry, sequence: this.entries.length + 1 })
  }

  pull: OpeningsLog['pull'] = async ({ after, prove }) => {
    const nodes = new Map<string, Uint8Array>()
    const frontier = new Frontier()
    for (const entry of this.entries) {
      const completed = frontier.append(hashLeaf(encodeCustodianLogEntry(entry)))
      for (const [level, node] of completed.entries()) nodes.set(`${level}/${frontier.size / 2 ** level - 1}`, node)
    }
    const source: NodeSource = { nodes: async (ids) => ids.map(({ level, index }) => nodes.get(`${level}/${index}`) ?? assert.fail()) }
    const { size } = frontier
    const checkpoint = signCheckpoint({ origin: custodianLogOrigin(keys.publicKey), size, root: frontier.root() }, this.keys)
    const { since, sequence } = prove ?? {}
    const consistency = since === undefined || since > size ? null : (await proveConsistency(source, { from: since, to: size })).map(toBase64Url)
    const inclusion = sequence === undefined || sequence > size ? null : (await proveInclusion(source, { index: sequence - 1, size })).map(toBase64Url)
    const entries = this.entries.slice(after, after + 500).map(({ atMs, ...rest }) => ({ ...rest, at: new Date(atMs).toISOString() }))
    return this.change(prove === undefined ? { entries } : { entries, proof: { checkpoint, consistency, inclusion } })
  }
}

async function look(log: Log): Promise<string> {
  const target = {
    custodian: {
      endpoint: { name: 'custodian', host: '127.0.0.1', port: 1 }, enrolment: { name: 'custodian enrolment', host: '127.0.0.1', port: 1 },
      statementKey: () => Promise.resolve(keys.publicKey), attempt: () => Promise.resolve(log.attempt()),
    },
    openingsLog: { pull: log.pull, kept: () => log.note, keep: (note: string) => { log.note = note } },
    random: systemRandom,
  }
  const [result] = await runProbes([openingsLogOnlyGrows], target, new ManualClock(0))
  return `${result?.status}`
}

test('a log that only grows holds, at the first look and at every further one', async () => {
  const log = new Log(7)
  for (const count of [0, 1, 3, 200]) {
    for (let at = 0; at < count; at++) log.add({})
    assert.equal(await look(log), 'holds')
  }
})

test('an attempt that is not refused leaves nothing to look for', async () => {
  const log = new Log(7)
  log.attempt = () => ({ outcome: 'allowed' })
  assert.equal(await look(log), 'unchecked')
})

const sabotage: Readonly<Record<string, (log: Log) => void>> = {
  'rows cut off since the last look': (log) => { log.entries.splice(5) },
  'rows cut off and others in their place': (log) => {
    log.entries.splice(5)
    for (let at = 0; at < 9; at++) log.add({ subject: 'another story' })
  },
  'a row changed since the last look': (log) => { log.entries[2] = { ...log.entries[2] ?? assert.fail(), subject: 'y' } },
  'another signature': (log) => { log.keys = forgersKeys },
  'a kept checkpoint of somebody else': (log) => { log.note = signCheckpoint({ origin: custodianLogOrigin(forgersKeys.publicKey), size: 1, root: Buffer.alloc(32) }, forgersKeys) },
  'no proof at all': (log) => { log.change = ({ entries }) => ({ entries }) },
  'an attempt that leaves no row': (log) => { log.attempt = () => ({ outcome: 'refused' }) },
  'a row that is changed while we look': (log) => {
    const { attempt } = log
    log.attempt = () => {
      log.entries[2] = { ...log.entries[2] ?? assert.fail(), subject: 'y' }
      return attempt()
    }
  },
  'a row that is shown other than it was hashed': (log) => { log.change = (answer) => ({ ...answer, entries: answer.entries.map((entry) => ({ ...entry, reason: 'shown' })) }) },
  'proofs that are no hashes': (log) => { log.change = ({ entries, proof }) => ({ entries, proof: proof && { ...proof, consistency: ['*'] } }) },
  'no proof of the row': (log) => { log.change = ({ entries, proof }) => ({ entries, proof: proof && { ...proof, inclusion: null } }) },
  'a last checkpoint that nobody signed': (log) => {
    const { attempt } = log
    log.attempt = () => {
      log.keys = forgersKeys
      return attempt()
    }
  },
}

for (const [name, act] of Object.entries(sabotage)) {
  test(`${name}: fails`, async () => {
    const log = new Log(7)
    assert.equal(await look(log), 'holds')
    act(log)
    const kept = log.note
    assert.equal(await look(log), 'fails')
    assert.equal(log.note, kept, 'what was kept is replaced only by what follows from it')
  })
}
