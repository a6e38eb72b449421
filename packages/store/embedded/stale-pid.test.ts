import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, lchown, lstat, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { postgresUser } from '@ngome/testkit'
import type { RunAs } from './run-as.ts'
import { settleStalePid } from './stale-pid.ts'

const isRoot = process.getuid?.() === 0
/** Root's own rights lose this race within a tenth of it. */
const raceMs = 1_500
const needs = { skip: !isRoot && 'needs root: PostgreSQL has a user of its own then' }

/** The folder as PostgreSQL's user has it, who has turned against us, and beside it one of root's. */
class Ground {
  readonly user: RunAs
  readonly folder: string
  readonly data: string
  readonly victim: string
  readonly lock: string

  private constructor(above: string, user: RunAs) {
    this.user = user
    this.folder = join(above, 'postgres')
    this.data = join(this.folder, 'data')
    this.lock = join(this.data, 'postmaster.pid')
    this.victim = join(above, 'victim')
  }

  static async make(t: TestContext): Promise<Ground> {
    const user = postgresUser()
    assert.ok(user)
    const above = await realpath(await mkdtemp(join(tmpdir(), 'ngome-stale-')))
    t.after(() => rm(above, { recursive: true, force: true, maxRetries: 5 }))
    await chmod(above, 0o755)
    const ground = new Ground(above, user)
    for (const folder of [ground.folder, ground.data]) {
      await mkdir(folder)
      await chown(folder, user.uid, user.gid)
    }
    await mkdir(ground.victim)
    return ground
  }

  settle(): Promise<void> {
    return settleStalePid(this.data, 2_000, this.user)
  }

  /** Puts a link of that user's where the path is. */
  async link(target: string, path: string): Promise<void> {
    await rm(path, { recursive: true, force: true })
    await symlink(target, path)
    await lchown(path, this.user.uid, this.user.gid)
  }
}

function sleeper(t: TestContext, options: { readonly cwd?: string; readonly uid?: number } = {}): ChildProcess & { readonly pid: number } {
  const child = spawn('sleep', ['60'], { stdio: 'ignore', ...options })
  t.after(() => child.kill('SIGKILL'))
  assert.ok(child.pid)
  return child as ChildProcess & { readonly pid: number }
}

const exists = (path: string): Promise<boolean> => lstat(path).then(() => true, () => false)
const isAlive = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null

test('a lock file whose number belongs to another process is removed', needs, async (t) => {
  const ground = await Ground.make(t)
  await writeFile(ground.lock, `${sleeper(t).pid}\n`)
  await ground.settle()
  assert.equal(await exists(ground.lock), false)
})

test('a process of that user which works in the data is ended', needs, async (t) => {
  const ground = await Ground.make(t)
  const child = sleeper(t, { cwd: ground.data, uid: ground.user.uid })
  await writeFile(ground.lock, `${child.pid}\n`)
  await ground.settle()
  assert.equal(child.signalCode ?? child.exitCode, 'SIGINT')
})

test('a lock file that links to a secret of root\'s is not read', needs, async (t) => {
  const ground = await Ground.make(t)
  const secret = join(ground.victim, 'secret')
  await writeFile(secret, `${sleeper(t).pid}\n`, { mode: 0o600 })
  await ground.link(secret, ground.lock)
  await ground.settle()
  // Whoever had read the number would have taken the file for a stale lock, and removed the link.
  assert.equal(await exists(ground.lock), true)
})

test('a data folder that links to one of root\'s loses root no file', needs, async (t) => {
  const ground = await Ground.make(t)
  const file = join(ground.victim, 'postmaster.pid')
  await writeFile(file, `${sleeper(t).pid}\n`, { mode: 0o644 })
  await ground.link(ground.victim, ground.data)
  await assert.rejects(ground.settle(), { code: 'launcher/failed' })
  assert.equal(await exists(file), true)
})

test('a process of root\'s that works in the data is not signalled', needs, async (t) => {
  const ground = await Ground.make(t)
  const child = sleeper(t, { cwd: ground.data })
  await writeFile(ground.lock, `${child.pid}\n`)
  await assert.rejects(ground.settle(), { code: 'launcher/failed', message: /holds/ })
  assert.equal(isAlive(child), true)
})

const forged: readonly { claim: string; text: string }[] = [
  { claim: 'every process of ours', text: '-1' },
  { claim: 'our own group', text: '0' },
  { claim: 'no process at all', text: '99999999999999999999' },
  { claim: 'nothing that is a number', text: 'pid' },
]
for (const { claim, text } of forged) {
  test(`a lock file that names ${claim} signals and removes nothing`, needs, async (t) => {
    const ground = await Ground.make(t)
    await writeFile(ground.lock, text)
    await ground.settle()
    assert.equal(await readFile(ground.lock, 'utf8'), text)
  })
}

test('a lock file that is a pipe holds the start up for seconds only', { ...needs, timeout: 30_000 }, async (t) => {
  const ground = await Ground.make(t)
  assert.equal(spawnSync('mkfifo', ['-m', '644', ground.lock]).status, 0)
  await ground.settle()
})

test('a data folder that becomes a link and back, all the time, loses root no file', needs, async (t) => {
  const ground = await Ground.make(t)
  const file = join(ground.victim, 'postmaster.pid')
  const lines = `${sleeper(t).pid}\n`
  await writeFile(file, lines, { mode: 0o644 })
  // Each turn is one rename, so that the name is never missing.
  const script = `cd "$1" && mkdir -p own && ln -s "$2" link
    while :; do echo "$3" > own/postmaster.pid; mv -T data kept; mv -T link data; mv -T data link; mv -T kept data; done`
  const attacker = spawn('sh', ['-c', script, 'attacker', ground.folder, ground.victim, lines.trim()], {
    uid: ground.user.uid, gid: ground.user.gid, stdio: 'ignore', detached: true,
  })
  const { pid } = attacker
  assert.ok(pid)
  try {
    while (isAlive(attacker) && !await exists(join(ground.folder, 'own'))) await wait(20)
    const untilMs = performance.now() + raceMs
    while (performance.now() < untilMs) {
      await ground.settle().catch((error: unknown) => assert.equal((error as { code?: string }).code, 'launcher/failed'))
      assert.equal(await exists(file), true, 'root removed it')
    }
    assert.equal(isAlive(attacker), true, 'nobody attacked')
  } finally {
    const ended = once(attacker, 'exit')
    // With the command that it is in the middle of, which would go on in the folder while that is removed.
    process.kill(-pid, 'SIGKILL')
    await ended
  }
})
