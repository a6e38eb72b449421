import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import { ceremonyAnswer, type CeremonyAnswer } from '@ngome/contracts'
import { sealInBox } from '@ngome/runtime'
import { processMemory } from '@ngome/testkit'
import { CustodianProcess } from '../../testing/custodian-process.ts'
import { makeSet } from '../../testing/shares.ts'
import { parseShare } from './share-text.ts'

type Said = { readonly type: string; readonly reason?: string }

/** A custodian whose set is made, and that waits. */
async function waiting(t: TestContext, threshold = 2): Promise<{ custodian: CustodianProcess; said: Said[]; texts: readonly string[] }> {
  const custodian = await CustodianProcess.create(t)
  custodian.settings = { NGOME_ROOT_KEY: 'shares' }
  const texts = await makeSet(custodian.folder, 3, threshold)
  return { custodian, said: await started(custodian), texts }
}

async function started(custodian: CustodianProcess): Promise<Said[]> {
  const said: Said[] = []
  custodian.start().on('message', (message) => said.push(message as Said))
  await until(() => said.length > 0, () => custodian.output)
  return said
}

async function enter({ folder }: CustodianProcess, share: string): Promise<CeremonyAnswer | undefined> {
  const socket = connect(join(folder, 'ceremony.sock'))
  const answers: CeremonyAnswer[] = []
  for await (const line of socket.setEncoding('utf8')) {
    const answer = ceremonyAnswer.parse(JSON.parse(String(line)))
    if (answer.type !== 'state') return answer
    answers.push(answer)
    socket.write(`${JSON.stringify({ type: 'share', sealed: sealInBox(answer.key, Buffer.from(share)) })}\n`)
  }
  return answers[0]
}

async function until(holds: () => boolean, why: () => string): Promise<void> {
  for (const from = performance.now(); !holds(); await sleep(20)) assert.ok(performance.now() - from < 30_000, why())
}

test('waits under the launcher\'s flags, says for how many shares, and is ready after the last of them', async (t) => {
  const { custodian, said, texts } = await waiting(t)
  assert.equal((await enter(custodian, 'no share'))?.type, 'refused')
  for (const text of texts.slice(1)) await enter(custodian, text)
  await until(() => said.at(-1)?.type === 'ready', () => custodian.output)
  assert.deepEqual(said.map(({ type, reason }) => [type, reason?.slice(0, 13)]), [
    ['waiting', 'shares 0 of 2'], ['waiting', 'shares 1 of 2'], ['starting', undefined], ['ready', undefined],
  ])
  assert.match(custodian.output, /"reason":"malformed".*refused at the ceremony/)
  for (const text of texts) assert.ok(!custodian.output.includes(text))
  assert.equal(await custodian.kill('SIGTERM'), 0)
})

test('kill -9 with two of three shares entered: the next start begins with none, and takes all of them again', async (t) => {
  const { custodian, texts } = await waiting(t, 3)
  for (const text of texts.slice(0, 2)) assert.equal((await enter(custodian, text))?.type, 'accepted')
  await custodian.kill('SIGKILL')
  assert.ok(existsSync(join(custodian.folder, 'ceremony.sock')))
  const said = await started(custodian)
  assert.match(said[0]?.reason ?? '', /^shares 0 of 3/)
  for (const text of texts) await enter(custodian, text)
  await until(() => said.at(-1)?.type === 'ready', () => custodian.output)
})

test('ends in order while it waits: by a signal, and when the launcher goes', async (t) => {
  const { custodian, texts } = await waiting(t)
  await enter(custodian, texts[0] ?? '')
  assert.equal(await custodian.kill('SIGTERM'), 0)
  await started(custodian)
  const { child } = custodian
  child?.disconnect()
  assert.deepEqual(await once(child ?? assert.fail(), 'exit'), [0, null])
  assert.match(custodian.output, /nobody waits for the shares any more/)
})

test('a store that another root wrapped is refused, naming the rotation', async (t) => {
  const custodian = await CustodianProcess.create(t)
  await custodian.ready()
  await custodian.kill('SIGTERM')
  custodian.settings = { NGOME_ROOT_KEY: 'shares' }
  assert.deepEqual(await once(custodian.start(), 'exit'), [1, null])
  assert.match(custodian.output, /rotation of the root/)
})

const rootOnly = process.platform !== 'linux' || process.getuid?.() !== 0 ? 'reads /proc of other processes: needs Linux and root' : false

test('after the quorum no share is in the custodian\'s memory, as text or as bytes', { skip: rootOnly }, async (t) => {
  const { custodian, said, texts } = await waiting(t)
  const pid = custodian.child?.pid ?? 0
  for (const text of texts.slice(0, 1)) await enter(custodian, text)
  const forms = texts.slice(0, 2).map(formsOf)
  // It must find what is there, or it would prove nothing: a share that was entered and waits for the others.
  assert.equal(found(pid, forms[0]?.slice(0, 1) ?? []), 1)
  await enter(custodian, texts[1] ?? '')
  await until(() => said.at(-1)?.type === 'ready', () => custodian.output)
  assert.equal(found(pid, forms.flat()), 0)
})

/** The value of a share, and its text as it was typed. */
function formsOf(text: string): readonly Buffer[] {
  const parsed = parseShare(Buffer.from(text))
  assert.ok(parsed.ok)
  return [Buffer.from(parsed.share.value), Buffer.from(text), Buffer.from(text.replaceAll('-', '')), Buffer.from(text, 'utf16le')]
}

/** How many of these are in the process's memory. */
function found(pid: number, forms: readonly Buffer[]): number {
  const seen = new Set<Buffer>()
  for (const chunk of processMemory(pid)) for (const form of forms) if (chunk.includes(form)) seen.add(form)
  return seen.size
}
