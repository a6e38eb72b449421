import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { WatchedChild } from './watched-child.ts'

const longMs = 60_000

function nodeThat(script: string): WatchedChild {
  return new WatchedChild('child', spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'pipe'] }))
}

async function failureOf(child: WatchedChild, isSo: () => unknown = () => false, timeoutMs = longMs): Promise<string> {
  const startedAtMs = performance.now()
  const failure = await child.until('answer', isSo, timeoutMs).then(() => 'none', (error: unknown) => String((error as Error).message))
  assert.ok(performance.now() - startedAtMs < 20_000, 'the wait outlived the child')
  return failure
}

test('a child that dies at its start, as where its port is taken, fails the wait at once, with its output', async (t) => {
  const holder = createServer().listen(0, '127.0.0.1')
  t.after(() => holder.close())
  await new Promise((resolve) => holder.once('listening', resolve))
  const { port } = holder.address() as AddressInfo
  const failure = await failureOf(nodeThat(`require('node:net').createServer().listen(${port}, '127.0.0.1')`))
  assert.match(failure, /^no answer: the child ended with 1\n[^]*EADDRINUSE/)
})

const deaths: readonly { claim: string; child: () => WatchedChild; says: RegExp; isSo?: () => unknown }[] = [
  { claim: 'one that a signal killed', child: () => nodeThat(`process.kill(process.pid, 'SIGKILL')`), says: /ended with SIGKILL/ },
  { claim: 'one that ends in order', child: () => nodeThat(`console.log('bye')`), says: /ended with 0\n[^]*bye/ },
  {
    claim: 'one that dies while the question hangs', child: () => nodeThat(`console.log('bye')`), says: /ended with 0/,
    isSo: () => new Promise(() => undefined),
  },
  { claim: 'one that does not exist', child: () => new WatchedChild('child', spawn('/nowhere/at-all')), says: /could not be started \(.*ENOENT/ },
]
for (const { claim, child, says, isSo } of deaths) {
  test(`${claim} fails the wait at once`, async () => {
    assert.match(await failureOf(child(), isSo), says)
  })
}

test('a child that never gets there fails the wait when the time is over, with the last reason', async () => {
  const child = nodeThat('setInterval(() => undefined, 1_000)')
  const reason = new Error('not yet')
  await assert.rejects(child.until('answer', () => { throw reason }, 100), { cause: reason, message: /took more than 0.1 s/ })
  assert.equal(await child.end('SIGTERM', longMs), null)
  assert.equal(await child.end('SIGTERM', longMs), null, 'an end twice is one end')
})

test('a child that does not end is killed, and its output told', async () => {
  const child = nodeThat(`process.on('SIGTERM', () => undefined); setInterval(() => undefined, 1_000); console.log('up')`)
  await child.until('word', () => child.output.includes('up'), longMs)
  await assert.rejects(child.end('SIGTERM', 200), /did not end in 0.2 s after SIGTERM\nup/)
  assert.equal(await child.exited, null)
})
