import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { createLogger } from '../logs/create-logger.ts'
import { onShutdown, type ShutdownStep } from './on-shutdown.ts'

type TestHost = EventEmitter & { exitCode: Promise<number> }

/** A process that notes its first exit instead of ending. */
function testHost(): TestHost & NodeJS.Process {
  const { promise, resolve } = Promise.withResolvers<number>()
  return Object.assign(new EventEmitter(), { exit: resolve, exitCode: promise }) as unknown as TestHost & NodeJS.Process
}

function shutdownOf(steps: readonly ShutdownStep[], totalMs = 2000) {
  const host = testHost()
  const lines: string[] = []
  const logger = createLogger({ process: 'test', level: 'info', destination: { write: (line) => void lines.push(line) } })
  return { host, lines, shutdown: onShutdown({ steps, totalMs, logger, host }) }
}

const step = (name: string, run: () => unknown, deadlineMs = 1000): ShutdownStep => ({ name, deadlineMs, run })

describe('a shutdown', () => {
  for (const event of ['SIGTERM', 'SIGINT', 'disconnect']) {
    test(`on ${event} runs its steps in order and exits with 0`, async () => {
      const done: string[] = []
      const { host, shutdown } = shutdownOf([
        step('first', async () => {
          await new Promise((resolve) => setTimeout(resolve, 20))
          done.push('first')
        }),
        step('second', () => void done.push('second')),
      ])
      assert.equal(shutdown.isBegun(), false)
      host.emit(event)
      assert.equal(shutdown.isBegun(), true)
      assert.equal(await host.exitCode, 0)
      assert.deepEqual(done, ['first', 'second'])
    })
  }

  test('begins once, however often it is asked for', async () => {
    let runs = 0
    const { host, shutdown } = shutdownOf([step('only', () => void runs++)])
    host.emit('SIGINT')
    host.emit('SIGTERM')
    await Promise.all([shutdown.begin('a reason'), shutdown.begin('another')])
    assert.equal(await host.exitCode, 0)
    assert.equal(runs, 1)
  })

  test('goes on after a step that fails or is late, and exits with 1', async () => {
    const done: string[] = []
    const { host, lines, shutdown } = shutdownOf([
      step('throws', () => { throw new Error('boom') }),
      step('rejects', () => Promise.reject(new Error('bang'))),
      step('hangs', () => new Promise(() => undefined), 20),
      step('last', () => void done.push('last')),
    ])
    await shutdown.begin('a test')
    assert.equal(await host.exitCode, 1)
    assert.deepEqual(done, ['last'])
    for (const name of ['throws', 'rejects', 'hangs']) assert.ok(lines.some((line) => line.includes(`"step":"${name}"`)), name)
  })

  test('ends when its total time is over, whatever still runs', { timeout: 60_000 }, async () => {
    const held = Promise.withResolvers<void>()
    const { host, lines, shutdown } = shutdownOf([step('slow', () => held.promise, 120_000)], 30)
    const ended = shutdown.begin('a test')
    assert.equal(await host.exitCode, 1)
    assert.ok(lines.some((line) => line.includes('took too long')))
    held.resolve()
    await ended
  })

  for (const event of ['uncaughtException', 'unhandledRejection']) {
    test(`is not tried after a bug: ${event} exits with 1 at once`, async () => {
      const { host, lines } = shutdownOf([step('never', () => assert.fail('the state is unknown'))])
      host.emit(event, new Error('a bug with ngome_sk_test_planted'))
      assert.equal(await host.exitCode, 1)
      assert.ok(lines.some((line) => line.includes('"fatal"')))
      assert.ok(!lines.join('').includes('planted'))
    })
  }
})

describe('a process that shuts down in order', () => {
  const script = `
    import { createLogger } from ${JSON.stringify(join(import.meta.dirname, '../logs/create-logger.ts'))}
    import { onShutdown } from ${JSON.stringify(join(import.meta.dirname, 'on-shutdown.ts'))}
    const logger = createLogger({ process: 'child', level: 'info' })
    const alive = setInterval(() => {}, 1000)
    onShutdown({ logger, totalMs: 5000, steps: [{ name: 'timer', deadlineMs: 1000, run: () => clearInterval(alive) }] })
    if (process.argv[1] === 'bug') setTimeout(() => { throw new Error('planted +256772123456') }, 10)
    else process.send('ready')
  `
  const start = (...args: string[]) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, ...args], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    let out = ''
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => { out += chunk.toString() })
    // Not `close`: after a disconnection from this side it does not come.
    const exit = Promise.all([once(child, 'exit'), once(child.stdout ?? child, 'end')]).then(([[code]]) => code as unknown)
    return { child, out: () => out, exit }
  }

  test('ends with 0 on SIGTERM, and when the launcher goes', async () => {
    for (const end of ['kill', 'disconnect'] as const) {
      const { child, exit, out } = start()
      child.once('message', () => child[end]())
      assert.equal(await exit, 0, out())
      assert.match(out(), /"msg":"shut down"/)
    }
  })

  test('ends with 1 after a bug, and has logged it without its secret', async () => {
    const { exit, out } = start('bug')
    assert.equal(await exit, 1)
    assert.match(out(), /"level":"fatal"/)
    assert.doesNotMatch(out(), /256772123456/)
  })
})
