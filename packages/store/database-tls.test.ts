import assert from 'node:assert/strict'
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { Fault, systemRandom } from '@ngome/kernel'
import {
  describeDatabase, postgresUser, TestAuthority, testDatabase, testServer, type IssueOptions, type TestServer,
} from '@ngome/testkit'
import { openClient, openDatabase, type Connection } from './database.ts'
import { migrate } from './migrate.ts'
import { createRoles } from './roles.ts'

let folder: string
let authority: TestAuthority
let server: TestServer

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ngome-tls-'))
  await chmod(folder, 0o711)
  authority = await TestAuthority.create()
  await writeCertificate(authority)
  server = await testServer({ ssl: 'on', ssl_cert_file: join(folder, 'server.pem'), ssl_key_file: join(folder, 'server.key') })
  // From here on the server itself refuses whoever comes without TLS: nothing below can pass in clear.
  await writeFile(join(server.folder, 'postgres', 'data', 'pg_hba.conf'), 'hostssl all all 127.0.0.1/32 scram-sha-256\n')
  await describeDatabase(server, 'postgres').asAdmin('SELECT pg_reload_conf()')
  await untilRefused(server.postgres.admin)
})
after(async () => {
  await server.postgres.stop()
  await rm(folder, { recursive: true, force: true })
})

/** PostgreSQL takes a key only where nobody but its own user, or root, may read it. */
async function writeCertificate(issuer: TestAuthority, options: IssueOptions = {}): Promise<void> {
  const [keyFile, certFile] = [join(folder, 'server.key'), join(folder, 'server.pem')]
  const { key, cert } = await issuer.issueWithKey('custodian', options)
  await writeFile(keyFile, key, { mode: 0o600 })
  await writeFile(certFile, cert, { mode: 0o644 })
  const user = postgresUser()
  if (user !== undefined) await chown(keyFile, user.uid, user.gid)
}

/** The server's new certificate is in force when it is the reason why somebody is refused. */
async function untilRefused(connection: Connection): Promise<string> {
  for (let tries = 0; tries < 100; tries++) {
    const reason = await reasonOf(connection)
    if (reason !== undefined) return reason
    await wait(50)
  }
  throw new Error('nobody was refused')
}

/** @returns why the connection is refused, or `undefined` where it is not */
async function reasonOf(connection: Connection): Promise<string | undefined> {
  try {
    await (await openClient(connection)).end()
    return undefined
  } catch (error) {
    assert.ok(error instanceof Fault && error.code === 'store/unavailable', String(error))
    const { cause } = error
    assert.ok(cause instanceof Error)
    const deepest = cause.cause instanceof Error ? cause.cause : cause
    return `${(deepest as NodeJS.ErrnoException).code ?? ''} ${deepest.message}`
  }
}

const trusting = (pem: string, connection: Connection = server.postgres.admin): Connection => ({ ...connection, tlsAuthority: pem })

test('roles, migrations and a pool all come over TLS 1.3 to a server whose authority is the operator\'s own', async () => {
  const admin = trusting(authority.pem)
  await createRoles(admin, 'ngome', server.passwords, systemRandom)
  const as = (user: 'ngome_migrator' | 'ngome_gateway'): Connection => ({
    ...admin, database: 'ngome', user, password: server.passwords[user],
  })
  await migrate(as('ngome_migrator'))
  const database = openDatabase({ ...as('ngome_gateway'), applicationName: 'test', poolMax: 1 })
  await database.ping()
  const { rows } = await database.pool.query('SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()')
  assert.deepEqual(rows, [{ ssl: true, version: 'TLSv1.3' }])
  await database.close()
})

test('a server of another authority, of the same name too, is refused', async () => {
  const stranger = await TestAuthority.create()
  assert.match(await untilRefused(trusting(stranger.pem)), /SIGNATURE|LEAF|certificate/i)
})

test('a server that speaks no TLS is refused, and gets no password', async (t) => {
  const plain = await testDatabase()
  t.after(() => plain.close())
  assert.equal(await reasonOf(plain.admin), undefined, 'the server is there')
  assert.match(await untilRefused(trusting(authority.pem, plain.admin)), /does not support SSL/)
})

test('who comes without TLS to a server that asks for it is refused', async () => {
  assert.match(await untilRefused(server.postgres.admin), /28000/)
})

const bad: readonly { claim: string; options: IssueOptions; says: RegExp }[] = [
  { claim: 'of another host', options: { hosts: ['db.example'] }, says: /ALTNAME/ },
  { claim: 'that has expired', options: { notBefore: new Date(0), notAfter: new Date(86_400_000) }, says: /EXPIRED/ },
]
for (const { claim, options, says } of bad) {
  test(`a server with a certificate ${claim} is refused`, async () => {
    const open = await openClient(trusting(authority.pem))
    await writeCertificate(authority, options)
    await open.query('SELECT pg_reload_conf()')
    assert.match(await untilRefused(trusting(authority.pem)), says)
    // An open connection stays; over it the server gets a good certificate back, as an operator would give it.
    await writeCertificate(authority)
    await open.query('SELECT pg_reload_conf()')
    await open.end()
    for (let tries = 0; tries < 100 && await reasonOf(trusting(authority.pem)) !== undefined; tries++) await wait(50)
    assert.equal(await reasonOf(trusting(authority.pem)), undefined)
  })
}
