import { testServer, type TestDatabase, type TestServer } from '@ngome/testkit'
import type { GatewayProcess } from '../../services/gateway/testing/gateway-process.ts'
import { TestPlatform } from '../../services/gateway/testing/test-platform.ts'
import { durableDatabase } from './durable-database.ts'

/** Also beside whatever else a machine does. */
const startMsMax = 90_000

/** A gateway as a process of its own, with its custodian and a PostgreSQL that commits to disk. */
export type GatewayStand = {
  readonly database: TestDatabase
  readonly platform: TestPlatform
  readonly gateway: GatewayProcess
  close(): Promise<void>
}

/** Raises one that answers, on a server of its own. @param env of the gateway, past what makes limits wide */
export async function raiseGateway(env: Readonly<Record<string, string>> = {}): Promise<GatewayStand> {
  const server = await testServer({ shared_buffers: '128MB' })
  const stand = await raiseGatewayOn(server, 'ngome', env)
  return {
    ...stand,
    close: async () => {
      await stand.close()
      await server.postgres.stop()
    },
  }
}

/** Raises one that answers, on a database of this name. */
export async function raiseGatewayOn(server: TestServer, name: string, env: Readonly<Record<string, string>> = {}): Promise<GatewayStand> {
  const database = await durableDatabase(server, name)
  const platform = await TestPlatform.create(database)
  const gateway = platform.startGateway({ hasChannel: false, env })
  const client = platform.client()
  await gateway.untilSo('answer', async () => (await client.call({ path: '/v1/payments' })).status > 0, startMsMax)
  client.close()
  return {
    database, platform, gateway,
    close: async () => {
      await platform.close()
      await database.close()
    },
  }
}
