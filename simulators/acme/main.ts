import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { z } from 'zod'
import { startSimulator } from './start-simulator.ts'

const settingsSchema = z.object({
  ACME_SIMULATOR_HOST: z.string().default('127.0.0.1'),
  /** 0 takes any free port; the ready message and the log name it. */
  ACME_SIMULATOR_PORT: z.coerce.number().int().min(0).max(65_535).default(14_000),
  ACME_SIMULATOR_VALIDATE_AT: z.string().min(3).optional(),
  /** `KEYID:BASE64URL` of the account that has to be bound. */
  ACME_SIMULATOR_EXTERNAL_ACCOUNT: z.string().regex(/^[^:]+:[A-Za-z0-9_-]+$/).optional(),
  ACME_SIMULATOR_LIFE_S: z.coerce.number().int().min(1).default(90 * 86_400),
  /** What certificates name as their responder (OCSP), such as `http://127.0.0.1:14001/`. */
  ACME_SIMULATOR_RESPONDER: z.url({ protocol: /^http$/ }).optional(),
  ACME_SIMULATOR_RENEWAL_INFO: z.enum(['true', 'false']).default('true'),
  /** Where the root is written, for those who trust it. */
  ACME_SIMULATOR_ROOT_FILE: z.string().min(1).optional(),
})

const environment = settingsSchema.parse(process.env)
const log = (line: object): void => {
  process.stdout.write(`${JSON.stringify({ time: Date.now(), process: 'simulator-acme', ...line })}\n`)
}

const [keyId = '', macKey = ''] = environment.ACME_SIMULATOR_EXTERNAL_ACCOUNT?.split(':') ?? []
const simulator = await startSimulator({
  host: environment.ACME_SIMULATOR_HOST,
  port: environment.ACME_SIMULATOR_PORT,
  validateAt: environment.ACME_SIMULATOR_VALIDATE_AT,
  externalAccount: keyId === '' ? undefined : { keyId, macKey: Buffer.from(macKey, 'base64url') },
  lifeMs: environment.ACME_SIMULATOR_LIFE_S * 1_000,
  responder: environment.ACME_SIMULATOR_RESPONDER,
  hasRenewalInfo: environment.ACME_SIMULATOR_RENEWAL_INFO === 'true',
}, { nowMs: () => Date.now(), randomBytes: (length) => randomBytes(length) }, log)
if (environment.ACME_SIMULATOR_ROOT_FILE !== undefined) writeFileSync(environment.ACME_SIMULATOR_ROOT_FILE, simulator.root)

let stopping: Promise<void> | undefined
const stop = (): void => {
  stopping ??= simulator.stop().then(() => {
    log({ msg: 'stopped' })
    if (process.connected) process.disconnect?.()
  })
}
process.once('SIGTERM', stop)
process.once('SIGINT', stop)
process.once('disconnect', stop)

log({ msg: 'listening', port: simulator.port })
process.send?.({ type: 'ready', port: simulator.port, root: simulator.root })
