import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  custodianOperations, type CustodianPath, type CustodianRequest, type CustodianResponse,
} from '@ngome/contracts'
import { Fault, newId, Secret, systemClock, systemRandom, toBase64Url, type JsonValue, type ProcessRole } from '@ngome/kernel'
import {
  createIdentity, createLogger, createMetrics, enrol, enrolmentServer, internalServer, newCertificateRequest,
  publicKeyText, type Identity, type InternalCall, type Logger,
} from '@ngome/runtime'
import { TestAuthority, type IssueOptions } from './test-authority.ts'

/** What the test wants answered; an operation that is not here is refused. */
export type CustodianAnswers = {
  readonly [P in CustodianPath]?: (
    body: CustodianRequest<P>, call: InternalCall,
  ) => CustodianResponse<P> | Promise<CustodianResponse<P>>
}

export type TestCustodian = {
  readonly authority: TestAuthority
  readonly identity: Identity
  /** What `enrol` and `custodianClient` need of a configuration. */
  readonly config: { readonly dataDir: string; readonly custodian: CustodianAddress }
  /** A one-time token that this custodian takes, for as long as it lives. */
  token(role: ProcessRole, lifeMs?: number): Secret<string>
  /** Enrols a process of this role. */
  enrol(role: ProcessRole): Promise<Identity>
  close(): Promise<void>
}

type CustodianAddress = { host: string; port: number; enrolmentPort: number; enrolmentKeyPath: string }

export type TestCustodianOptions = {
  readonly dataDir: string
  readonly answers?: CustodianAnswers
  readonly certificateLifeMs?: number
  readonly authority?: TestAuthority
  readonly ports?: { readonly port: number; readonly enrolmentPort: number }
}

/** A custodian for tests of the others: real certificates and real mutual TLS, and answers that the test gives. */
export async function startTestCustodian(options: TestCustodianOptions): Promise<TestCustodian> {
  const authority = options.authority ?? await TestAuthority.create()
  const logger = silentLogger()
  const issue = (csr: string, role: ProcessRole) => authority.issue(csr, role, lifeOf(options))
  const identity = await custodianIdentity(authority, issue, logger)
  const spent = new Set<string>()
  const base = { identity, host: '127.0.0.1', clock: systemClock, random: systemRandom, logger }
  const server = await internalServer({
    ...base,
    port: options.ports?.port ?? 0,
    metrics: createMetrics({ process: 'custodian' }),
    routes: (Object.keys(custodianOperations) as CustodianPath[]).filter((path) => path !== '/v1/enrol').map((path) => ({
      method: 'POST', path, callers: ['gateway', 'dispatcher', 'operator', 'custodian'],
      handle: (call: InternalCall) => answer(path, call, options.answers ?? {}, issue, authority),
    })),
  })
  const enrolment = await enrolmentServer({
    ...base, port: options.ports?.enrolmentPort ?? 0, handle: (body) => enrolCaller(body, spent, issue, authority),
  })
  mkdirSync(options.dataDir, { recursive: true })
  writeFileSync(join(options.dataDir, 'ca.pem'), authority.pem)
  const custodian = { host: '127.0.0.1', port: server.port, enrolmentPort: enrolment.port, enrolmentKeyPath: '' }
  const config = { dataDir: options.dataDir, custodian }
  return {
    authority, identity, config, token: newToken,
    enrol: (role) => enrol({ config, role, token: newToken(role), ...base }),
    async close() {
      identity.stop()
      await Promise.all([server.close(), enrolment.close()])
    },
  }
}

function silentLogger(): Logger {
  return createLogger({ process: 'custodian', level: 'fatal', destination: { write: () => undefined } })
}

type Issue = (csr: string, role: ProcessRole) => Promise<string>

function lifeOf({ certificateLifeMs }: TestCustodianOptions): IssueOptions {
  return certificateLifeMs === undefined ? {} : { notAfter: new Date(Date.now() + certificateLifeMs) }
}

async function custodianIdentity(authority: TestAuthority, issue: Issue, logger: Logger): Promise<Identity> {
  const request = await newCertificateRequest('custodian')
  const identity = createIdentity({
    role: 'custodian', signerId: null, statementKey: authority.statementKeys.publicKey, authority: authority.pem,
    first: { ...request, certificate: await issue(request.csr, 'custodian') },
    renew: async (csr) => ({ certificate: await issue(csr, 'custodian'), authority: authority.pem }), clock: systemClock, random: systemRandom, logger,
  })
  identity.startRenewal()
  return identity
}

function newToken(role: ProcessRole, lifeMs = 60_000): Secret<string> {
  const claims = { role, expiresAtMs: Date.now() + lifeMs, nonce: toBase64Url(systemRandom.bytes(16)) }
  return new Secret(`${toBase64Url(Buffer.from(JSON.stringify(claims)))}.${toBase64Url(systemRandom.bytes(32))}`)
}

async function enrolCaller(body: JsonValue | undefined, spent: Set<string>, issue: Issue, authority: TestAuthority) {
  const { token, csr, signer } = custodianOperations['/v1/enrol'].request.parse(body)
  if (spent.has(token)) throw new Fault('custodian/enrolment_refused', 'this token is spent')
  spent.add(token)
  const claims = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { role: ProcessRole }
  return {
    certificate: await issue(csr, claims.role),
    authority: authority.pem,
    statementKey: publicKeyText(authority.statementKeys.publicKey),
    signerId: signer === null ? null : newId('signer', { clock: systemClock, random: systemRandom }),
  }
}

async function answer(
  path: CustodianPath, call: InternalCall, answers: CustodianAnswers, issue: Issue, authority: TestAuthority,
): Promise<unknown> {
  const body: unknown = custodianOperations[path].request.parse(call.body)
  const given = answers[path] as ((body: unknown, call: InternalCall) => unknown) | undefined
  if (given !== undefined) return given(body, call)
  if (path !== '/v1/renew') throw new Fault('custodian/refused', `the test answers nothing to ${path}`)
  const { csr } = body as CustodianRequest<'/v1/renew'>
  return { certificate: await issue(csr, call.caller), authority: authority.pem }
}
