import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Secret } from '@ngome/kernel'
import { describeDatabase, postgresUser, TestAuthority, testServer, type TestServer } from '@ngome/testkit'
import type { CustodianDatabase } from '../store/postgres/open-postgres-store.ts'

/**
 * A PostgreSQL for custodians alone: whoever comes as the custodian must show a certificate of the server's own
 * authority that says so, and nobody else comes but its administrator.
 */
export class CustodianServer {
  readonly server: TestServer
  readonly authority: TestAuthority
  readonly #folder: string
  #databases = 0

  private constructor(server: TestServer, authority: TestAuthority, folder: string) {
    this.server = server
    this.authority = authority
    this.#folder = folder
  }

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<CustodianServer> {
    const folder = await mkdtemp(join(tmpdir(), 'ngome-custodian-tls-'))
    await chmod(folder, 0o711)
    const authority = await TestAuthority.create('Custodian database')
    const { key, cert } = await authority.issueWithKey('custodian')
    const at = (name: string): string => join(folder, name)
    await writeFile(at('server.key'), key, { mode: 0o600 })
    await writeFile(at('server.pem'), cert)
    await writeFile(at('authority.pem'), authority.pem)
    const user = postgresUser()
    if (user !== undefined) await chown(at('server.key'), user.uid, user.gid)
    const server = await testServer({
      ssl: 'on', ssl_cert_file: at('server.pem'), ssl_key_file: at('server.key'), ssl_ca_file: at('authority.pem'),
      ...settings,
    })
    const started = new CustodianServer(server, authority, folder)
    await started.asAdmin('CREATE ROLE custodian LOGIN')
    await writeFile(join(server.folder, 'postgres', 'data', 'pg_hba.conf'), [
      'hostssl all custodian 127.0.0.1/32 cert', `host all ${server.postgres.admin.user} 127.0.0.1/32 scram-sha-256`, '',
    ].join('\n'))
    await started.asAdmin('SELECT pg_reload_conf()')
    await sleep(200)
    return started
  }

  /** A fresh database of the custodian's. */
  async database(): Promise<CustodianDatabase> {
    const name = `custodian_${++this.#databases}`
    await this.asAdmin(`CREATE DATABASE ${name} OWNER custodian`)
    const { key, cert } = await this.authority.issueWithKey('custodian')
    return {
      url: new Secret(`postgresql://custodian@127.0.0.1:${this.server.port}/${name}`), authority: new Secret(this.authority.pem),
      certificate: new Secret(cert), key: new Secret(key),
    }
  }

  /** Runs SQL as the server's administrator. */
  asAdmin(sql: string, name = 'postgres'): Promise<readonly Record<string, unknown>[]> {
    return describeDatabase(this.server, name).asAdmin(sql)
  }

  async stop(): Promise<void> {
    await this.server.postgres.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }
}
