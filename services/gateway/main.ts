import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { getCACertificates } from 'node:tls'
import { Secret, systemClock as clock, systemRandom as random } from '@ngome/kernel'
import {
  createLogger, createMetrics, custodianClient, enrol, hostAndPort, internalServer, launcherChannel, loadConfig, onShutdown,
  processFolder, untilItStands, type ReadinessCheck,
} from '@ngome/runtime'
import { openDatabase, type Database } from '@ngome/store'
import { startGateway, type Gateway } from './gateway.ts'
import { selfTests } from './process/self-tests.ts'

/** Enough that PostgreSQL sets the pace, and two gateways at a replacement stay below their role's limit. */
const databaseConnections = 16
/** For the requests under way when there is no successor; the launcher kills after 10 s. */
const endDeadlineMs = 5_000

const config = loadConfig(process.env)
const logger = createLogger({ process: 'gateway', level: config.log.level })
const channel = launcherChannel()
const base = { clock, random, logger }

// Lives in this process's memory and nowhere else; the custodian learns the public half at enrolment.
const signer = generateKeyPairSync('ed25519')
const identity = await enrol({
  ...base, config, role: 'gateway',
  token: new Secret(process.env['NGOME_ENROLMENT_TOKEN'] ?? ''),
  signerPublicKey: signer.publicKey,
  onExpired: () => process.exit(1),
}).catch(refuseToStart)
identity.startRenewal()
const custodian = custodianClient(identity, config)
const metrics = createMetrics({ process: 'gateway' })
const database = open('gateway', databaseConnections)
const revocationDatabase = open('gateway-revocations', 1)

const running: { gateway?: Gateway; bans?: Socket } = {}
const readiness: Record<string, ReadinessCheck> = {
  started: () => (running.gateway === undefined ? 'starting' : null),
  database: async () => database.ping().then(() => null),
  revocations: () => (running.gateway?.isLeaseHeld === true ? null : 'access/lease_lost'),
  draining: () => (running.gateway?.isDraining === true ? 'gateway/draining' : null),
}
const internal = await internalServer({
  ...base, identity, metrics, readiness,
  host: config.gateway.internalHost,
  port: config.gateway.internalPort,
  // During a replacement the former gateway still answers there.
  sharesPort: true,
  selfTests: selfTests({ custodian, clock, random }),
})

const shutdown = onShutdown({
  logger,
  totalMs: endDeadlineMs + 4_000,
  steps: [
    { name: 'public server', deadlineMs: endDeadlineMs + 500, run: () => running.gateway?.end(endDeadlineMs) },
    { name: 'timers', deadlineMs: 100, run: () => running.gateway?.stop() },
    { name: 'internal server', deadlineMs: 1_000, run: () => internal.close() },
    { name: 'database', deadlineMs: 2_000, run: () => Promise.all([database.close(), revocationDatabase.close()]) },
    { name: 'identity', deadlineMs: 100, run: () => [custodian.close(), identity.stop()] },
  ],
})
channel.onDrain(() => void drain())
channel.onBans((pipe) => {
  running.bans = pipe
  running.gateway?.useKernelBans(pipe)
})

const gateway = await startGateway({
  ...base, config, identity, custodian, database, revocationDatabase, metrics,
  signingKey: signer.privateKey,
  monotonicMs: () => performance.now(),
}).catch(refuseToStart)
await untilItStands('the database', logger, () => database.ping())
running.gateway = gateway
if (channel.isConnected) {
  channel.onListen(({ fd, bansFd, challengesFd }) => {
    // A pipe that came since our start is newer than the one that we inherited.
    const pipe = running.bans ?? (bansFd === undefined ? undefined : new Socket({ fd: bansFd, readable: false, writable: true }))
    if (pipe !== undefined) gateway.useKernelBans(pipe)
    if (challengesFd !== undefined) void gateway.challenges?.listen({ fd: challengesFd }).then((port) => logger.info({ port }, 'answering challenges'))
    void gateway.listen({ fd }).then((port) => logger.info({ port }, 'listening'))
  })
} else {
  const port = await gateway.listen({ host: config.gateway.host, port: config.gateway.port })
  logger.info({ port }, 'listening')
  if (config.gateway.tls.acme !== undefined) await gateway.challenges?.listen(hostAndPort(config.gateway.tls.acme.listen))
}
channel.tell({ type: 'ready' })

function refuseToStart(error: unknown): never {
  logger.fatal({ err: error }, 'the gateway cannot start')
  process.exit(1)
}

async function drain(): Promise<void> {
  const left = await running.gateway?.drain() ?? 0
  if (left > 0) logger.warn({ left }, 'connections were still open at the end of the drain')
  channel.tell({ type: 'drained' })
  await shutdown.begin('drained')
}

function open(applicationName: string, poolMax: number): Database {
  const { host, port, name, tls } = config.database
  const password = new Secret(readFileSync(join(processFolder(config, 'gateway'), 'db-password'), 'utf8').trim())
  return openDatabase({
    host, port, database: name, user: 'ngome_gateway', password, applicationName, poolMax,
    ...(tls ? { tlsAuthority: getCACertificates('default').join('\n') } : {}),
    onIdleError: (error) => logger.warn({ err: error }, 'a database connection broke'),
  })
}
