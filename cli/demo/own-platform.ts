import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig, type Config } from '@ngome/runtime'
import type { Context } from '../command.ts'
import { launch } from '../launcher/launch.ts'
import { tellWithTimes } from '../launcher/progress.ts'
import type { Undo } from '../launcher/undo.ts'

/** Every port that an instance listens on, and one for the webhooks. */
const variables = [
  'NGOME_GATEWAY__PORT', 'NGOME_GATEWAY__INTERNAL_PORT', 'NGOME_CUSTODIAN__PORT', 'NGOME_CUSTODIAN__ENROLMENT_PORT',
  'NGOME_DISPATCHER__INTERNAL_PORT', 'NGOME_SIMULATOR__PORT', 'NGOME_DATABASE__PORT',
] as const

/** Starts a platform of the demonstration's own, in a folder that is gone afterwards, on ports that are free. */
export async function startOwnPlatform(context: Context, undo: Undo): Promise<Config> {
  const folder = mkdtempSync(join(tmpdir(), 'ngome-demo-'))
  await undo.push(() => rmSync(folder, { recursive: true, force: true }))
  const ports = await freePorts(variables.length + 1)
  const env = {
    ...Object.fromEntries(variables.map((name, at) => [name, String(ports[at])])),
    NGOME_DATA: folder,
    NGOME_CONFIG: '',
    NGOME_EGRESS__ALLOW_PRIVATE: `127.0.0.1:${ports[variables.indexOf('NGOME_SIMULATOR__PORT')]},localhost:${ports.at(-1)}`,
  }
  const config = loadConfig(env, { workingDir: context.root })
  const { root, clock, random } = context
  await launch({ root, env, config, configFile: undefined, clock, random, tell: tellWithTimes(clock, context.err) }, undo)
  return config
}

/** Finds ports that nobody listens on: all are held until the last is found. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => new Promise<Server>((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve(server))
  })))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
