import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import { systemClock } from '@ngome/kernel'
import { Child, inheritedSocketFd, readyMsMax } from './child.ts'
import { openListeningSocket } from './listening-socket.ts'
import { LogFile } from './log-file.ts'
import { Supervisor } from './supervisor.ts'

/** A process with the gateway's manners: ready, listen on what it is given, drain, end. */
const wellMannered = `
import { createServer } from 'node:http'
import { Server } from 'node:net'
const server = createServer((request, response) => {
  if (isDraining) response.setHeader('connection', 'close')
  setTimeout(() => response.end(String(process.pid)), 5)
})
let isDraining = false
process.on('message', (message) => {
  if (message.type === 'listen') server.listen({ fd: message.fd })
  if (message.type === 'drain') {
    isDraining = true
    // Not HTTP's own close, which cuts idle connections while a request may be on its way on one of them.
    Server.prototype.close.call(server, () => { process.send({ type: 'drained' }); process.disconnect() })
    setTimeout(() => server.closeIdleConnections(), 300)
  }
})
process.on('disconnect', () => process.exit(0))
process.on('SIGTERM', () => process.exit(0))
console.log('started', process.pid)
process.send({ type: 'ready' })
`

function setUp(t: TestContext, programs: readonly string[]): { supervisor: Supervisor; told: string[]; log: LogFile; port: number } {
  const folder = mkdtempSync(join(tmpdir(), 'ngome-supervisor-'))
  const log = new LogFile(join(folder, 'child.log'))
  const socket = openListeningSocket('127.0.0.1', 0)
  const told: string[] = []
  let starts = 0
  const supervisor = new Supervisor({
    name: 'fixture',
    clock: systemClock,
    tell: (text) => told.push(text),
    start: () => {
      const program = programs[Math.min(starts++, programs.length - 1)] ?? ''
      return Child.start({
        name: 'fixture', argv: [process.execPath, '--input-type=module', '-e', program], env: {}, cwd: folder, socketFd: socket.fd,
      }, log)
    },
    onReady: async (child) => {
      child.send({ type: 'listen', fd: inheritedSocketFd })
      await socket.untilAccepting()
    },
  })
  t.after(async () => {
    await supervisor.stop(0)
    socket.close()
    log.close()
    rmSync(folder, { recursive: true })
  })
  return { supervisor, told, log, port: socket.port }
}

function answer(port: number, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, agent }, (response) => {
      response.setEncoding('utf8').on('data', resolve).on('error', reject)
    }).on('error', reject)
  })
}

test('a process that is killed is started again, and requests wait for it in the socket\'s queue', async (t) => {
  const { supervisor, told, port } = setUp(t, [wellMannered])
  const agent = new Agent({ keepAlive: false })
  await supervisor.start()
  const first = await answer(port, agent)
  process.kill(Number(first), 'SIGKILL')
  await sleep(30)
  const second = await answer(port, agent)
  assert.notEqual(first, second)
  assert.match(told.join('\n'), /fixture ended \(SIGKILL\); starting it again in 200 ms/)
})

test('waits longer after each death in a row', { timeout: 60_000 }, async (t) => {
  const { supervisor, told } = setUp(t, [wellMannered, 'process.exit(3)'])
  await supervisor.start()
  supervisor.current?.kill('SIGKILL')
  const killedAtMs = performance.now()
  const ends = (): number => told.filter((text) => text.includes('ended before it was ready (exit code 3)')).length
  while (ends() < 3) await sleep(20)
  const waitedMs = performance.now() - killedAtMs
  assert.ok(waitedMs > 1_390, `three ends in ${waitedMs} ms: 0.2 s, 0.4 s, 0.8 s apart`)
})

test('a replacement under a stream of keep-alive requests fails none of them', { timeout: 60_000 }, async (t) => {
  const { supervisor, port } = setUp(t, [wellMannered])
  await supervisor.start()
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  t.after(() => agent.destroy())
  const pids = new Set<string>()
  const over = new AbortController()
  const stream = async (): Promise<number> => {
    let count = 0
    for (; !over.signal.aborted; count++) pids.add(await answer(port, agent))
    return count
  }
  const streams = Promise.all(Array.from({ length: 8 }, stream))
  const untilAnsweredBy = async (processes: number): Promise<void> => {
    while (pids.size < processes) await sleep(10)
  }
  await untilAnsweredBy(1)
  assert.equal(await supervisor.replace(), true)
  await untilAnsweredBy(2)
  assert.equal(await supervisor.replace(), true)
  await untilAnsweredBy(3)
  over.abort()
  assert.ok((await streams).every((count) => count > 0))
  assert.equal(pids.size, 3)
})

test('the running process stays where its successor does not become ready', async (t) => {
  const { supervisor, told, port } = setUp(t, [wellMannered, 'process.exit(1)'])
  await supervisor.start()
  const first = supervisor.current?.pid
  assert.equal(await supervisor.replace(), false)
  assert.equal(supervisor.current?.pid, first)
  assert.equal(await answer(port, new Agent()), String(first))
  assert.match(told.join('\n'), /was not replaced, the running one stays/)
})

test('a first start that fails is said, not tried again', async (t) => {
  const { supervisor, log } = setUp(t, ['console.error("no database"); process.exit(1)'])
  await assert.rejects(supervisor.start(), /the fixture ended before it was ready \(exit code 1\); its log is .*, and ends:\nno database/)
  assert.match(readFileSync(log.path, 'utf8'), /no database/)
  assert.deepEqual(log.tail(), ['no database'])
})

test('a process that waits for people is not bound in time, says for what, and is ready when it is', async (t) => {
  const { log } = setUp(t, [])
  const patient = `
    process.on('message', () => {})
    process.send({ type: 'waiting', reason: 'shares 1 of 3' })
    setTimeout(() => { process.send({ type: 'starting' }); process.send({ type: 'ready' }) }, 200)`
  const reasons: string[] = []
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const child = Child.start({
    name: 'patient', argv: [process.execPath, '-e', patient], env: {}, cwd: tmpdir(), onWaiting: (reason) => {
      reasons.push(reason)
      t.mock.timers.tick(readyMsMax + 1)
    },
  }, log)
  await child.ready
  t.mock.timers.reset()
  assert.deepEqual(reasons, ['shares 1 of 3'])
  child.kill('SIGKILL')
  await child.exited
})

test('a process that waits no more has its own time again', async (t) => {
  const { log } = setUp(t, [])
  const stuck = `process.on('message', () => {}); process.send({ type: 'waiting', reason: 'shares' }); process.send({ type: 'starting' }); console.log('on')`
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const child = Child.start({ name: 'stuck', argv: [process.execPath, '-e', stuck], env: {}, cwd: tmpdir() }, log)
  while (!log.tail().includes('on')) await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setImmediate(resolve))
  t.mock.timers.tick(readyMsMax + 1)
  await assert.rejects(child.ready, /did not become ready within 60 s/)
  t.mock.timers.reset()
  child.kill('SIGKILL')
  await child.exited
})

test('a process that hears nothing is killed in the end', async (t) => {
  const { log } = setUp(t, [])
  const deaf = 'process.on("SIGTERM", () => {}); process.on("message", () => {}); process.send({ type: "ready" })'
  const child = Child.start({ name: 'deaf', argv: [process.execPath, '-e', deaf], env: {}, cwd: tmpdir() }, log)
  await child.ready
  await child.stop(10, 50)
  assert.deepEqual(await child.exited, { code: null, signal: 'SIGKILL' })
})
