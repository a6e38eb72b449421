import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import { runUntilStopped } from '../common/run-until-stopped.ts'
import { startSimulator } from './start-simulator.ts'

const amount = z.string().regex(/^(0|[1-9][0-9]{0,11})(\.[0-9]{1,2})?$/)
const settingsSchema = z.object({
  MTN_MOMO_SIMULATOR_HOST: z.string().default('127.0.0.1'),
  /** 0 takes any free port; the ready message and the log name it. */
  MTN_MOMO_SIMULATOR_PORT: z.coerce.number().int().min(0).max(65_535).default(8447),
  MTN_MOMO_SIMULATOR_FOLDER: z.string().min(1).default(join('.ngome', 'simulators', 'mtn-momo')),
  MTN_MOMO_SIMULATOR_DECIDE_AFTER_MS: z.coerce.number().int().min(0).default(400),
  MTN_MOMO_SIMULATOR_DELAYED_AFTER_MS: z.coerce.number().int().min(0).default(4_000),
  /** MTN gives a payer five minutes. */
  MTN_MOMO_SIMULATOR_EXPIRE_AFTER_MS: z.coerce.number().int().min(0).default(300_000),
  MTN_MOMO_SIMULATOR_STATUS_PER_SECOND_MAX: z.coerce.number().int().min(1).default(10),
  MTN_MOMO_SIMULATOR_CALLBACK_METHOD: z.enum(['PUT', 'POST']).default('PUT'),
  MTN_MOMO_SIMULATOR_CALLBACK_CA: z.string().min(1).optional(),
  /** What every number has before anything moved, and every API user to pay out of; in major units. */
  MTN_MOMO_SIMULATOR_WALLET: amount.default('1000000000'),
  MTN_MOMO_SIMULATOR_FLOAT: amount.default('1000000'),
  MTN_MOMO_SIMULATOR_SEED: z.coerce.number().int().min(0).max(0xffff_ffff).default(1),
})

const environment = settingsSchema.parse(process.env)
const log = (line: object): void => {
  process.stdout.write(`${JSON.stringify({ time: Date.now(), process: 'simulator-mtn-momo', ...line })}\n`)
}

const simulator = await startSimulator({
  host: environment.MTN_MOMO_SIMULATOR_HOST,
  port: environment.MTN_MOMO_SIMULATOR_PORT,
  folder: environment.MTN_MOMO_SIMULATOR_FOLDER,
  delays: {
    decideAfterMs: environment.MTN_MOMO_SIMULATOR_DECIDE_AFTER_MS,
    delayedAfterMs: environment.MTN_MOMO_SIMULATOR_DELAYED_AFTER_MS,
    expireAfterMs: environment.MTN_MOMO_SIMULATOR_EXPIRE_AFTER_MS,
  },
  statusPerSecondMax: environment.MTN_MOMO_SIMULATOR_STATUS_PER_SECOND_MAX,
  callbacks: {
    method: environment.MTN_MOMO_SIMULATOR_CALLBACK_METHOD,
    authorityPath: environment.MTN_MOMO_SIMULATOR_CALLBACK_CA,
  },
  openings: { wallet: environment.MTN_MOMO_SIMULATOR_WALLET, float: environment.MTN_MOMO_SIMULATOR_FLOAT },
  seed: environment.MTN_MOMO_SIMULATOR_SEED,
}, { nowMs: () => Date.now(), randomBytes: (length) => randomBytes(length) }, log)

runUntilStopped(simulator, log)
