import assert from 'node:assert/strict'
import { createHash, sign } from 'node:crypto'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { hashLeaf, openCheckpoint, signCheckpoint, verifyConsistency, verifyInclusion, type Checkpoint } from '@ngome/audit'
import { custodianLogOrigin, encodeCustodianLogEntry, type CustodianResponse } from '@ngome/contracts'
import { verifyStatement } from '@ngome/envelope'
import { ManualClock, parseBase64Url } from '@ngome/kernel'
import { createLogger, verifyRefusal } from '@ngome/runtime'
import { TestCustodian, type Peer } from '../testing/test-custodian.ts'
import { appendLog } from './append-log.ts'
import { keepCheckpoint, rowsPerCheckpoint } from './keep-checkpoint.ts'
import type { LogEntry } from './log-entry.ts'
import { readFrontier } from './log-nodes.ts'
import { watchCheckpoints } from './watch-checkpoints.ts'

type Openings = CustodianResponse<'/v1/openings'>
type Context = { after(fn: () => void): void }

const entry: LogEntry = { caller: 'dispatcher/01', operation: '/v1/open', outcome: 'allowed', reason: '', subject: 'x' }
const hashes = (texts: readonly string[] | null | undefined) => (texts ?? assert.fail()).map((text) => parseBase64Url(text) ?? assert.fail())

async function open(t: Context): Promise<{ test: TestCustodian; operator: Peer }> {
  const test = await TestCustodian.open({ clock: new ManualClock(1_800_000_000_000) })
  t.after(() => test.remove())
  return { test, operator: await test.peer('operator') }
}

async function grow(test: TestCustodian, count: number, subject = 'x'): Promise<void> {
  await test.commit((transaction) => appendLog(transaction, test.clock, Array.from({ length: count }, () => ({ ...entry, subject }))))
}

/** As an auditor does: he believes the key that he enrolled with, and nothing else. */
function opened(test: TestCustodian, { proof }: Openings): Checkpoint {
  const { publicKey } = test.custodian.statementKey
  return openCheckpoint(proof?.checkpoint ?? '', { origin: custodianLogOrigin(publicKey), publicKey }) ?? assert.fail('no checkpoint')
}

test('who kept a checkpoint is shown that all of it is still there, and that his own row is', async (t) => {
  const { test, operator } = await open(t)
  let before = opened(test, await test.call(operator, '/v1/openings', { after: 0, prove: {} }))
  for (const count of [1, 2, 61, 64, 65, 200]) {
    await grow(test, count, `of ${count}`)
    const answer = await test.call(operator, '/v1/openings', { after: before.size, prove: { since: before.size, sequence: before.size + 1 } })
    const now = opened(test, answer)
    assert.equal(now.size, before.size + count)
    assert.ok(verifyConsistency({ first: before, second: now, proof: hashes(answer.proof?.consistency) }))
    const [{ at, ...row } = assert.fail()] = answer.entries
    const leaf = hashLeaf(encodeCustodianLogEntry({ ...row, atMs: Date.parse(at) }))
    const inclusion = { leaf, index: row.sequence - 1, tree: now, proof: hashes(answer.proof?.inclusion) }
    assert.ok(verifyInclusion(inclusion))
    assert.equal(verifyInclusion({ ...inclusion, leaf: hashLeaf(encodeCustodianLogEntry({ ...row, subject: 'y', atMs: Date.parse(at) })) }), false)
    before = now
  }
})

test('a log that was rewound is seen by who kept a checkpoint, however it goes on', async (t) => {
  const { test, operator } = await open(t)
  await grow(test, 5)
  const [file, copy] = [join(test.folder, 'custodian.sqlite'), join(test.folder, 'copy')]
  test.close()
  copyFileSync(file, copy)
  await test.reopen()
  await grow(test, 9, 'what somebody wants to be forgotten')
  const kept = opened(test, await test.call(operator, '/v1/openings', { after: 0, prove: {} }))
  test.close()
  copyFileSync(copy, file)
  await test.reopen()
  const prove = { since: kept.size, sequence: kept.size }
  const short = await test.call(operator, '/v1/openings', { after: 0, prove })
  assert.ok(opened(test, short).size < kept.size)
  assert.deepEqual([short.proof?.consistency, short.proof?.inclusion], [null, null])
  await grow(test, 20, 'another story')
  const long = await test.call(operator, '/v1/openings', { after: 0, prove })
  assert.equal(verifyConsistency({ first: kept, second: opened(test, long), proof: hashes(long.proof?.consistency) }), false)
})

test('rows cut off behind a checkpoint, or written anew, stop the start and every further checkpoint', async (t) => {
  const changes = [
    'DELETE FROM log WHERE sequence > 4',
    `DELETE FROM log WHERE sequence > 4; INSERT INTO log SELECT * FROM other`,
    `UPDATE log_checkpoints SET note = replace(note, '—', '-')`,
  ]
  for (const change of changes) {
    const { test } = await open(t)
    await grow(test, 4)
    test.db.exec('CREATE TABLE other AS SELECT * FROM log WHERE false')
    await keepCheckpoint(test.custodian)
    test.db.exec('DROP TRIGGER log_keeps_rows; DROP TRIGGER log_checkpoints_keep_values')
    if (change.includes('other')) await forge(test)
    test.db.exec(change)
    await assert.rejects(keepCheckpoint(test.custodian), { code: 'custodian/unavailable' })
    await assert.rejects(test.reopen(), { code: 'custodian/start_refused' })
  }
})

/** Rows that hold together, but are not those of before: as somebody writes them who has our code and not our key. */
async function forge(test: TestCustodian): Promise<void> {
  test.db.exec('CREATE TABLE saved AS SELECT * FROM log; DELETE FROM log WHERE sequence > 4')
  await grow(test, 30, 'forged')
  test.db.exec('INSERT INTO other SELECT * FROM log WHERE sequence > 4; DELETE FROM log; INSERT INTO log SELECT * FROM saved')
}

test('what the store refuses to say of the tree is no answer', async (t) => {
  const { test } = await open(t)
  await grow(test, 4)
  test.db.exec('DROP TRIGGER log_keeps_values')
  test.db.exec(`UPDATE log SET nodes = x'00' WHERE sequence = (SELECT max(sequence) FROM log)`)
  await assert.rejects(readFrontier(test.store), { code: 'custodian/unavailable' })
  await assert.rejects(grow(test, 1), { code: 'custodian/unavailable' })
})

test('checkpoints are kept by the thousand rows unasked, and no two of one size', async (t) => {
  const { test } = await open(t)
  const lines: string[] = []
  const logger = createLogger({ process: 'custodian', level: 'error', destination: { write: (line) => { lines.push(line) } } })
  const end = watchCheckpoints(test.custodian, logger, 10)
  t.after(end)
  const kept = async (count: number): Promise<void> => {
    for (let at = 0; at < 400 && test.count('log_checkpoints') < count; at++) await new Promise((resolve) => { setTimeout(resolve, 10) })
    assert.equal(test.count('log_checkpoints'), count)
  }
  await kept(1)
  await grow(test, rowsPerCheckpoint - 1)
  const first = await keepCheckpoint(test.custodian, { rowsMin: rowsPerCheckpoint })
  await grow(test, 1)
  await kept(2)
  const second = await keepCheckpoint(test.custodian)
  assert.equal(second.checkpoint.size, first.checkpoint.size + rowsPerCheckpoint)
  assert.deepEqual(await keepCheckpoint(test.custodian), second)
  test.db.exec('DROP TRIGGER log_keeps_rows; DELETE FROM log WHERE sequence > 10')
  for (let at = 0; at < 400 && lines.length === 0; at++) await new Promise((resolve) => { setTimeout(resolve, 10) })
  assert.match(lines[0] ?? '', /does not go on from its checkpoint/)
})

test('checkpoints only grow', async (t) => {
  const { test } = await open(t)
  await keepCheckpoint(test.custodian)
  for (const sql of ['DELETE FROM log_checkpoints', `UPDATE log_checkpoints SET note = ''`]) assert.throws(() => test.db.exec(sql), /only grows/)
})

test('a signature of the statement key over one kind of text stands for no other kind', async (t) => {
  const { test, operator } = await open(t)
  const { statementKey: { publicKey, privateKey } } = test.custodian
  const { proof } = await test.call(operator, '/v1/openings', { after: 0, prove: {} })
  const note = proof?.checkpoint ?? assert.fail()
  const body = Buffer.from(note.slice(0, note.indexOf('\n\n') + 1))
  const signature = sign(null, body, privateKey)
  assert.equal(verifyRefusal(publicKey, { statement: body.toString(), signature: signature.toString('base64url') }, 'x'), undefined)
  assert.throws(() => verifyStatement(Buffer.concat([body, signature]), publicKey))
  // The log of another installation has another name, since its key is another.
  const origin = `ngome/custodian-log/${createHash('sha256').update('another').digest('hex').slice(0, 16)}`
  assert.notEqual(custodianLogOrigin(publicKey), origin)
  const root = hashLeaf(body)
  assert.equal(openCheckpoint(signCheckpoint({ origin, size: 1, root }, { privateKey, publicKey }), { origin: custodianLogOrigin(publicKey), publicKey }), undefined)
})
