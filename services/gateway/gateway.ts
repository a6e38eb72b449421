import type { KeyObject } from 'node:crypto'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { requestIds, type Clock, type Random } from '@ngome/kernel'
import { configuredMaintenance, untilItStands, type Config, type CustodianClient, type Identity, type Logger } from '@ngome/runtime'
import { findApiKey, findNetworkStanding, insertDataKey, listAcmeChallenges, listOrigins, rehashApiKey, type Database } from '@ngome/store'
import type { Registry } from 'prom-client'
import { createChallengeServer, type ChallengeServer } from './acme/challenge-server.ts'
import { Challenges } from './acme/challenges.ts'
import { ApiKeyCache } from './access/api-key-cache.ts'
import { Authenticator } from './access/authenticate.ts'
import { composeGuards } from './access/compose-guards.ts'
import { encryptionKeyFinder } from './access/encrypt-answers.ts'
import { findEncryptionKey } from './access/find-encryption-key.ts'
import { provenKeyFinder } from './access/find-proven-key.ts'
import { hasSigningKey } from './access/has-signing-key.ts'
import { KeyLookUps } from './access/key-look-ups.ts'
import { MerchantKeys } from './access/merchant-keys.ts'
import { MovingKeys } from './access/moving-keys.ts'
import { Peppers } from './access/peppers.ts'
import { withOrigins } from './access/prove-api-key.ts'
import { merchantKeyReader } from './access/read-merchant-key.ts'
import { RevocationLease } from './access/revocation-lease.ts'
import { revocationSource } from './access/revocation-source.ts'
import { signatureVerifier } from './access/verify-signature.ts'
import { startAnswers } from './answers/start-answers.ts'
import { apiVersion } from './api/openapi.ts'
import { tellSeenInBrowser } from './browsers/tell-seen-in-browser.ts'
import { createCheckout } from './checkout/create-checkout.ts'
import { createHandlers } from './handlers.ts'
import { inOrder } from './http/guards.ts'
import { createPublicApi, type PublicApiPorts } from './http/public-api.ts'
import type { PublicServer } from './http/public-server.ts'
import { fetchSecrets, pepperSource, type GatewaySecrets } from './keys/custodian-secrets.ts'
import { DataKeys } from './keys/data-keys.ts'
import { endSigner } from './keys/end-signer.ts'
import { MerchantStatements } from './keys/merchant-statements.ts'
import { refreshStatements } from './keys/refresh-statements.ts'
import { statementSource } from './keys/statement-source.ts'
import { watchReplacedKeys } from './keys/watch-replaced-keys.ts'
import { startLimits, type StartedLimits } from './limits/start-limits.ts'
import { NetworkBoard } from './networks/network-board.ts'
import { createDefences, type Defences } from './process/defend.ts'
import { Drain } from './process/drain.ts'
import { gatewayMetrics } from './process/gateway-metrics.ts'
import { failureTeller } from './process/tell-failures.ts'
import { publicCertificates } from './transport/public-certificates.ts'
import { Staples } from './transport/staples.ts'
import { createUsage } from './usage/create-usage.ts'
import type { UsageRecorder } from './usage/recorder.ts'

export type GatewaySurroundings = {
  readonly config: Pick<Config, 'dataDir' | 'gateway' | 'keys' | 'networks' | 'egress' | 'limits' | 'payouts'>
  readonly identity: Identity
  readonly signingKey: KeyObject
  readonly custodian: CustodianClient
  /** For everything but revocations. */
  readonly database: Database
  /** One connection, for nothing but revocations. */
  readonly revocationDatabase: Database
  readonly clock: Clock
  readonly random: Random
  readonly monotonicMs: () => number
  readonly logger: Logger
  readonly metrics: Registry
}

export type Gateway = {
  /** Whether it knows what was revoked; without that it serves nobody. */
  readonly isLeaseHeld: boolean
  readonly isDraining: boolean
  /** Takes connections from now on; `fd` is a socket that was bound before. @returns the port */
  listen(at: { readonly fd: number } | { readonly host: string; readonly port: number }): Promise<number>
  /** Answers certificate authorities over plain HTTP; `undefined` where nothing is ordered of any. */
  readonly challenges: ChallengeServer | undefined
  /** Has the kernel refuse who is banned, by the helper at the other end of this pipe; another one takes its place. */
  useKernelBans(pipe: Socket): void
  /** Hands over to a successor. @returns how many connections were still open at the deadline */
  drain(): Promise<number>
  /** Ends without a successor: answers what is under way. @returns as `drain` */
  end(deadlineMs: number): Promise<number>
  /** Stops what runs by itself; the databases are the caller's. */
  stop(): void
}

/**
 * Builds the gateway, in the order in which it depends on others: secrets, merchant keys, certificate, revocations. It
 * resolves when all of them stand, however long the custodian or the database are away, and listens only when told.
 */
export async function startGateway(from: GatewaySurroundings): Promise<Gateway> {
  const { custodian, clock, logger, identity, monotonicMs } = from
  const secrets = await untilItStands('secrets', logger, () => fetchSecrets(custodian))
  const statements = new MerchantStatements({
    source: statementSource(custodian), statementKey: identity.statementKey, clock,
  })
  await untilItStands('merchant keys', logger, () => statements.fetchAll())
  const answers = await startAnswers(from)
  const certificates = await publicCertificates(from)
  const usage = createUsage(from)
  const limits = await startLimits(from)
  const { lease, authenticator, peppers, verify } = createAccess(from, secrets, { recorder: usage.recorder, limits })
  const dataKeys = createDataKeys(from, statements)
  const metrics = gatewayMetrics(from.metrics, lease, monotonicMs)
  const defences = createDefences(from)
  const board = new NetworkBoard({ ...from, find: (nowMs) => findNetworkStanding(from.database, nowMs) }, configuredMaintenance(from.config.networks))
  const { shedding } = defences
  const made: { drain?: Drain } = {}
  const isDraining = (): boolean => made.drain?.isDraining === true
  const onAnswer = answerTeller({ metrics, limits, defences, usage: usage.onAnswer })
  const site = createCheckout({ ...from, board }, { secrets, dataKeys, limits, shedding, isDraining, onAnswer, isTrusted: defences.defence.isTrusted, standsFor: (id) => authenticator.standsFor(id) })
  const server = await createPublicApi(certificates.first, {
    hosts: from.config.gateway.certificateNames,
    site,
    newRequestId: requestIds(from),
    monotonicMs,
    isDraining,
    guards: composeGuards({
      clock, limits, shedding, verify, askedToSign: answers.askedToSign, onSeenInBrowser: tellSeenInBrowser(from),
      authenticate: metrics.timeKeyChecks((authorization, connection) => authenticator.authenticate(authorization, connection)),
    }),
    defence: defences.defence,
    onHandled: (request, operation) => shedding.end(request, operation),
    onAnswer,
    onFailure: failureTeller(from),
  }, createHandlers({ ...from, board, version: apiVersion, secrets, statements, dataKeys, limits }))
  const staples = new Staples(from, server)
  await staples.begin(certificates.first)
  const drain = made.drain = new Drain(server, async () => {
    await usage.flush()
    await endSigner(custodian, logger)
  })
  const challenges = from.config.gateway.tls.acme === undefined ? undefined : answerChallenges(from)
  const stops = [
    () => challenges?.close(),
    refreshStatements({ statements, logger, random: from.random, periodMs: from.config.keys.merchantKeyPeriodS * 1_000 }),
    watchReplacedKeys({ ...from, statements, dataKeys }),
    certificates.follow((renewed) => void staples.change(renewed)),
    staples.keepLooking(), peppers.keepLooking(), answers.keepRenewing(),
    defences.start(),
    () => usage.stop(),
    () => limits.stop(),
    () => lease.stop(),
  ]
  await lease.start()
  return {
    get isLeaseHeld() {
      return lease.isHeld
    },
    get isDraining() {
      return drain.isDraining
    },
    listen: (at) => listen(server, at),
    challenges,
    useKernelBans: (pipe) => defences.useKernel(pipe),
    drain: () => drain.drain(),
    end: (deadlineMs) => drain.end(deadlineMs),
    stop: () => stops.forEach((stop) => stop()),
  }
}

function answerChallenges({ database, monotonicMs }: GatewaySurroundings): ChallengeServer {
  const challenges = new Challenges({ list: () => listAcmeChallenges(database), monotonicMs, sleep })
  return createChallengeServer((token, name) => challenges.find(token, name))
}

/** Tells all who count answers, or judge who asked by them. */
function answerTeller({ metrics, limits, defences, usage }: {
  readonly metrics: Pick<ReturnType<typeof gatewayMetrics>, 'onAnswer'>; readonly limits: Pick<StartedLimits, 'onAnswer'>
  readonly defences: Pick<Defences, 'judge'>; readonly usage: PublicApiPorts['onAnswer']
}): PublicApiPorts['onAnswer'] {
  return (route, status, ms, request) => {
    metrics.onAnswer(route, status, ms)
    limits.onAnswer(request)
    if (request !== undefined) defences.judge(request)
    usage(route, status, ms, request)
  }
}

function createAccess(from: GatewaySurroundings, secrets: GatewaySecrets, { recorder, limits }: {
  readonly recorder: UsageRecorder; readonly limits: Pick<StartedLimits, 'forget'>
}) {
  const { statementKey } = from.identity
  const lookUps = new KeyLookUps((id) => findApiKey(from.database, id))
  const find = provenKeyFinder({ ...from, statementKey, find: (id) => lookUps.find(id) })
  const rows = new ApiKeyCache(withOrigins(find, (tenant) => listOrigins(from.database, tenant)))
  const peppers: Peppers = new Peppers({
    first: secrets.peppers, source: pepperSource(from.custodian), monotonicMs: from.monotonicMs, logger: from.logger,
    onChange: () => {
      rows.forgetAll()
      moving.startOver()
    },
  })
  const moving = new MovingKeys({
    ...from, statementKey, peppers,
    write: (key) => rehashApiKey(from.database, key),
    forget: ({ id, tenant }) => rows.forget([{ apiKey: id, merchant: tenant.merchant }]),
  })
  const keys = new MerchantKeys({ read: merchantKeyReader({ ...from, statementKey }), nowMs: () => from.clock.nowMs() })
  let isTold = false
  const lease = new RevocationLease({
    source: revocationSource(from.revocationDatabase),
    monotonicMs: from.monotonicMs,
    onChanges: (changes) => {
      rows.forget(changes)
      keys.forget(changes)
      limits.forget(changes)
    },
    onRead: () => {
      if (isTold) from.logger.info('revocations are read again')
      isTold = false
    },
    onError: (error) => {
      // Ten times a second the same line would tell nobody more.
      if (!isTold) from.logger.error({ err: error }, 'revocations cannot be read: in two seconds nobody is served')
      isTold = true
    },
  })
  const authenticator = new Authenticator({
    peppers, rows, lease, clock: from.clock, onProven: (key, row) => moving.used(key, row), onRefused: recorder.onRefused,
  })
  const verify = inOrder(
    signatureVerifier({ ...from, keys, hasSigningKey: (tenant) => hasSigningKey(from, tenant) }),
    encryptionKeyFinder((tenant) => findEncryptionKey({ ...from, statementKey }, tenant)),
  )
  return { lease, peppers, authenticator, verify }
}

function createDataKeys(from: GatewaySurroundings, statements: MerchantStatements): DataKeys {
  const { identity, signingKey, config, clock, random, database } = from
  if (identity.signerId === null) throw new TypeError('a gateway that was enrolled without its signing key')
  return new DataKeys({
    statements, clock, random,
    signer: { id: identity.signerId, privateKey: signingKey },
    periodMs: config.keys.dataKeyPeriodS * 1_000,
    store: { insert: (dataKey, retention) => insertDataKey(database, { ...dataKey, retention }) },
  })
}

function listen(server: PublicServer, at: Parameters<Gateway['listen']>[0]): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(at, () => {
      server.removeListener('error', reject)
      resolve((server.address() as AddressInfo).port)
    })
  })
}
