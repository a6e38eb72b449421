import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, linkSync, mkdtempSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import { Fault, ManualClock, systemRandom } from '@ngome/kernel'
import fc from 'fast-check'
import { makeDataFolder, ownFolder } from './data-folder.ts'
import { enrolmentKey, mintEnrolmentToken, readEnrolmentKey } from './enrolment-token.ts'
import { isInstanceRunning, takeInstanceLock } from './instance-lock.ts'
import { describeIsolation, isolationChain, planIsolation, type MachineFacts } from './isolation.ts'
import { KnownProcesses } from './known-processes.ts'
import { LogFile } from './log-file.ts'
import { observeIsolation } from './observe-isolation.ts'
import { atPeriodEnds } from './period-turns.ts'
import { assertPortsFree } from './ports.ts'
import { writePrivateFile } from './private-file.ts'
import { processNames } from './process-table.ts'
import { Undo } from './undo.ts'
import { userIds } from './user-ids.ts'

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'ngome-launcher-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const whole: MachineFacts = {
  platform: 'linux', isRoot: true, setpriv: '/usr/bin/setpriv', prlimit: '/usr/bin/prlimit', nft: '/usr/sbin/nft',
  ownUserObstacle: undefined, egressObstacle: undefined,
}
const missing: readonly (readonly [string, Partial<MachineFacts>, readonly string[]])[] = [
  ['nothing is missing', {}, []],
  ['an ordinary user', { isRoot: false }, ['ownUsers', 'egressRules']],
  ['no setpriv', { setpriv: undefined }, ['ownUsers', 'noNewPrivileges', 'noCapabilities', 'diesWithLauncher', 'egressRules']],
  ['no prlimit', { prlimit: undefined }, ['noCoreDumps']],
  ['no nft', { nft: undefined }, ['egressRules']],
  ['a kernel without the rules', { egressObstacle: 'the kernel refuses the rules' }, ['egressRules']],
  ['a clone in a closed folder', { ownUserObstacle: 'EACCES' }, ['ownUsers', 'egressRules']],
  ['a Mac', { platform: 'darwin', isRoot: false, setpriv: undefined, prlimit: undefined, nft: undefined },
    ['ownUsers', 'noNewPrivileges', 'noCapabilities', 'noCoreDumps', 'diesWithLauncher', 'egressRules']],
]
for (const [what, facts, off] of missing) {
  test(`isolation with ${what} says what is off and why`, () => {
    const report = planIsolation({ ...whole, ...facts })
    const rows = Object.entries(report).filter(([, row]) => row.status === 'off')
    assert.deepEqual(rows.map(([name]) => name), off)
    for (const [, row] of rows) assert.ok(row.status === 'off' && row.reason !== '')
    assert.equal(describeIsolation(report).includes('missing'), off.length > 0)
  })
}

test('the chain drops to the own user and lets nothing back in; without root it keeps what it can', () => {
  assert.deepEqual(isolationChain(whole, planIsolation(whole), 1_900_000_001), [
    '/usr/bin/prlimit', '--core=0:0', '/usr/bin/setpriv', '--reuid=1900000001', '--regid=1900000001', '--clear-groups',
    '--no-new-privs', '--bounding-set=-all', '--inh-caps=-all', '--pdeathsig=TERM', '--',
  ])
  const ordinary = { ...whole, isRoot: false }
  assert.deepEqual(isolationChain(ordinary, planIsolation(ordinary), undefined), [
    '/usr/bin/prlimit', '--core=0:0', '/usr/bin/setpriv', '--no-new-privs', '--pdeathsig=TERM', '--',
  ])
})

test('what was planned and is not so is taken back', { skip: process.platform !== 'linux' && 'looks into /proc' }, () => {
  const report = observeIsolation(planIsolation(whole), [{ name: 'sabotaged', pid: process.pid, uid: 4_711 }])
  for (const name of ['ownUsers', 'noNewPrivileges'] as const) {
    assert.deepEqual(report[name], { status: 'off', reason: 'it was set for sabotaged, and is not so' })
  }
})

test('user ids are high, apart, and the same at the next start', { skip: process.platform !== 'linux' && 'Linux only' }, (t) => {
  const file = join(folderFor(t), 'uids.json')
  const ids = userIds(file, systemRandom)
  assert.equal(new Set(Object.values(ids)).size, processNames.length)
  assert.ok(Object.values(ids).every((id) => id >= 40_000))
  assert.deepEqual(userIds(file, systemRandom), ids)
})

test('an enrolment token carries its role and a short life, under the key that is made once', (t) => {
  const file = join(folderFor(t), 'enrolment.key')
  assert.throws(() => readEnrolmentKey(file), (error) => error instanceof Fault && error.code === 'launcher/failed')
  const clock = new ManualClock(1_000)
  const key = enrolmentKey(file, systemRandom)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const [body = ''] = mintEnrolmentToken(key, 'gateway', { clock, random: systemRandom }).split('.')
  const claim = JSON.parse(Buffer.from(body, 'base64url').toString()) as { role: string; expiresAtMs: number; nonce: string }
  assert.deepEqual([claim.role, claim.expiresAtMs], ['gateway', 121_000])
  assert.notEqual(mintEnrolmentToken(key, 'gateway', { clock, random: systemRandom }), mintEnrolmentToken(key, 'gateway', { clock, random: systemRandom }))
  const bytes = readFileSync(file)
  enrolmentKey(file, systemRandom)
  assert.deepEqual(readFileSync(file), bytes)
})

test('the lock is held by one launcher, and free when its holder is gone', (t) => {
  const folder = folderFor(t)
  assert.equal(isInstanceRunning(folder), false)
  const lock = takeInstanceLock(folder)
  assert.equal(isInstanceRunning(folder), true)
  assert.throws(() => takeInstanceLock(folder), new RegExp(`another launcher \\(process ${process.pid}\\)`))
  lock.release()
  assert.equal(isInstanceRunning(folder), false)
  takeInstanceLock(folder).release()
})

test('a data folder that holds something else is refused, one with a configuration is taken', (t) => {
  const folder = folderFor(t)
  writeFileSync(join(folder, 'ngome.json'), '{}')
  makeDataFolder(folder, true)
  assert.equal(statSync(folder).mode & 0o777, 0o711)
  mkdirSync(join(folder, 'launcher'))
  assert.throws(() => makeDataFolder(folder, false), /holds something else/)
  writeFileSync(join(folder, 'launcher', 'lock.sqlite'), '')
  makeDataFolder(folder, false)
  assert.equal(statSync(folder).mode & 0o777, 0o700)
})

test('handing a folder over follows no link that its former owner has put there', { skip: process.getuid?.() !== 0 && 'needs root' }, (t) => {
  const folder = folderFor(t)
  const outside = join(folder, 'outside')
  writeFileSync(outside, 'root\'s')
  mkdirSync(join(folder, 'own', 'below'), { recursive: true })
  symlinkSync(outside, join(folder, 'own', 'below', 'link'))
  ownFolder(join(folder, 'own'), 1_900_000_001)
  assert.equal(statSync(join(folder, 'own', 'below')).uid, 1_900_000_001)
  assert.equal(statSync(outside).uid, 0)
})

test('handing a folder over waits for no pipe and leaves a third user\'s file alone, also under a name in that folder', {
  skip: process.getuid?.() !== 0 && 'needs root', timeout: 10_000,
}, (t) => {
  const folder = folderFor(t)
  const [own, third] = [join(folder, 'own'), join(folder, 'third')]
  mkdirSync(own)
  writeFileSync(join(own, 'file'), '')
  writeFileSync(third, 'root\'s')
  linkSync(third, join(own, 'hard-link'))
  assert.equal(spawnSync('mkfifo', [join(own, 'pipe')]).status, 0)
  for (const path of [own, join(own, 'file')]) chownSync(path, 1_900_000_000, 1_900_000_000)
  ownFolder(own, 1_900_000_001)
  assert.deepEqual([own, join(own, 'file'), third].map((path) => statSync(path).uid), [1_900_000_001, 1_900_000_001, 0])
})

test('writing into another process\'s folder follows no link that it has put there', (t) => {
  const folder = folderFor(t)
  const outside = join(folder, 'outside')
  writeFileSync(outside, 'before')
  symlinkSync(outside, join(folder, 'db-password'))
  writePrivateFile(join(folder, 'db-password'), 'secret')
  assert.equal(readFileSync(outside, 'utf8'), 'before')
  assert.equal(readFileSync(join(folder, 'db-password'), 'utf8'), 'secret')
})

test('left-over processes are killed, strangers under a reused id are not', { skip: process.platform !== 'linux' && 'looks into /proc' }, async (t) => {
  const file = join(folderFor(t), 'processes.json')
  const stubborn = spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => {}); setTimeout(() => {}, 60000)'], { stdio: 'ignore' })
  t.after(() => stubborn.kill('SIGKILL'))
  const known = new KnownProcesses(file)
  known.add('gateway', stubborn.pid ?? 0)
  const [row] = JSON.parse(readFileSync(file, 'utf8')) as { pid: number; startedAt: string }[]
  assert.ok(row !== undefined)
  writeFileSync(file, JSON.stringify([{ name: 'stranger', pid: process.pid, startedAt: '1' }]))
  assert.deepEqual(await new KnownProcesses(file).endLeftOvers(), [])
  writeFileSync(file, JSON.stringify([{ name: 'gateway', ...row }]))
  const ended = once(stubborn, 'exit')
  assert.deepEqual(await new KnownProcesses(file, 200).endLeftOvers(), ['gateway'])
  assert.deepEqual(await ended, [null, 'SIGKILL'])
})

test('a port that is taken is named with its holder and the variable', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const use = { what: 'the API', host: '127.0.0.1', port, variable: 'NGOME_GATEWAY__PORT' }
  await assert.rejects(assertPortsFree([use]), (error) => error instanceof Fault && error.message.includes(`port ${port} for the API is taken by`)
    && error.message.includes('NGOME_GATEWAY__PORT') && (process.platform !== 'linux' || error.message.includes(`(process ${process.pid})`)))
  server.close()
  await once(server, 'close')
  await assertPortsFree([use])
  await assert.rejects(assertPortsFree([{ ...use, host: '192.0.2.77' }]), /cannot be used \(EADDRNOTAVAIL\)/)
})

test('a log turns over and keeps one older generation', (t) => {
  const path = join(folderFor(t), 'gateway.log')
  const log = new LogFile(path)
  const chunk = Buffer.alloc(9 * 1024 * 1024, 'x')
  for (let times = 0; times < 5; times++) log.append(chunk)
  log.close()
  assert.ok(statSync(path).size <= 2 * chunk.length && statSync(`${path}.1`).size <= 2 * chunk.length)
})

test('a period\'s end is acted on once, and again soon where it failed', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const clock = new ManualClock(3_600_000 - 10_000)
  const acts: number[] = []
  let isDone = false
  const stop = atPeriodEnds(3_600_000, clock, async () => {
    acts.push(clock.nowMs())
    return isDone
  })
  const pass = async (ms: number): Promise<void> => {
    for (let at = 0; at < ms; at += 1_000) {
      clock.advance(1_000)
      t.mock.timers.tick(1_000)
      await Promise.resolve().then(() => undefined).then(() => undefined)
    }
  }
  await pass(9_000)
  assert.deepEqual(acts, [])
  await pass(3_000)
  assert.equal(acts.length, 1)
  isDone = true
  await pass(6_000)
  assert.equal(acts.length, 2)
  await pass(60_000)
  assert.equal(acts.length, 2)
  stop()
})

test('what was begun is ended in the opposite order, once, and what begins too late at once', async () => {
  await fc.assert(fc.asyncProperty(fc.nat(6), async (count) => {
    const undo = new Undo()
    const ended: number[] = []
    for (let at = 0; at < count; at++) await undo.push(() => void ended.push(at))
    await Promise.all([undo.run(), undo.run()])
    assert.deepEqual(ended, Array.from({ length: count }, (_, at) => count - 1 - at))
    await undo.push(() => void ended.push(99))
    assert.equal(ended.at(-1), 99)
  }))
  await sleep(0)
})
