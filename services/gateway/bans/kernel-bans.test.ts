import assert from 'node:assert/strict'
import { fork, spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { test } from 'node:test'

/** What it is told, it says: in the place of the helper that would tell the kernel. */
function helper(): ChildProcessByStdio<Writable, Readable, null> {
  const child = spawn(process.execPath, ['-e', 'process.stdin.pipe(process.stdout)'], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.on('error', () => undefined)
  child.stdout.setEncoding('utf8')
  return child
}

test('a running gateway is handed the pipe of a helper that was started again, and tells it every ban that stands', { timeout: 60_000 }, async (t) => {
  const gateway = fork(join(import.meta.dirname, '../testing/bans-over-channel.ts'), { execArgv: ['--disable-warning=ExperimentalWarning'] })
  t.after(() => gateway.kill('SIGKILL'))
  await once(gateway, 'message')
  for (let start = 0; start < 3; start++) {
    const started = helper()
    const told = once(started.stdout, 'data')
    gateway.send({ type: 'bans' }, started.stdin as never, { keepOpen: true })
    assert.match(String((await told)[0]), /^192\.0\.2\.1\/32 (60|59)\n$/)
    started.kill('SIGKILL')
    await once(started, 'exit')
  }
  assert.equal(gateway.exitCode, null, 'a helper that dies takes nobody along')
})
