import { readFileSync } from 'node:fs'
import { Fault } from '@ngome/kernel'
import { authorityPath, processFolder, type Config } from '@ngome/runtime'
import { Ngome } from '@ngome/sdk'
import { exitCodes, type Command, type Context, type ExitCode, type Given } from './command.ts'
import { auditorView } from './demo/auditor-view.ts'
import { startOwnPlatform } from './demo/own-platform.ts'
import { playScene, type Cast, type SceneResult } from './demo/play-scene.ts'
import { scenes } from './demo/scenes.ts'
import { stage } from './demo/stage.ts'
import { startWebhookReceiver, type WebhookReceiver } from './demo/webhook-receiver.ts'
import { isInstanceRunning } from './launcher/instance-lock.ts'
import { Undo } from './launcher/undo.ts'
import { createApiKey } from './operator/create-api-key.ts'
import { createMerchant, type OperatorAccess } from './operator/create-merchant.ts'
import { localWebhookAddress } from './operator/local-webhook-address.ts'
import { configOf } from './operator/load.ts'
import { operatorDatabase, operatorIdentity } from './operator/operator-access.ts'
import { revokeKey } from './operator/revoke-key.ts'

export const demo: Command = {
  name: 'demo',
  summary: 'Take three payments and tell their life as it happens: one succeeds, one is refused, one times out.',
  operands: [],
  options: {},
  endsItself: true,
  run: runDemo,
}

async function runDemo(context: Context, given: Given): Promise<ExitCode> {
  const undo = new Undo()
  const interrupt = (): void => void undo.run()
  context.interrupted.addEventListener('abort', interrupt, { once: true })
  try {
    const configured = configOf(context)
    const isRunning = isInstanceRunning(processFolder(configured, 'launcher'))
    const tell = stage(given.isJson ? () => undefined : context.out, context.isTerminal)
    tell.say(isRunning ? `The platform on ${configured.dataDir} runs; the payments go there.` : 'No platform runs; one is started for the demonstration.')
    const config = isRunning ? configured : await startOwnPlatform(context, undo)
    const results = await play(context, config, tell, undo)
    if (given.isJson) context.out(JSON.stringify(results))
    return results.every(({ isAsExpected }) => isAsExpected) ? exitCodes.done : exitCodes.failed
  } finally {
    await undo.run()
  }
}

async function play(context: Context, config: Config, tell: Cast['stage'], undo: Undo): Promise<readonly SceneResult[]> {
  const access = await openAccess(context, config, undo)
  const receiver = await openReceiver(config, undo)
  const merchant = await createMerchant(access, 'Demo merchant')
  const key = await createApiKey(access, { merchant, world: 'test' })
  // A key that nobody needs any more is nobody's.
  await undo.push(async () => void await revokeKey(access, key.id))
  const ngome = new Ngome({
    apiKey: key.text.expose((text) => text), baseUrl: `https://localhost:${config.gateway.port}`, ca: readFileSync(authorityPath(config), 'utf8'), world: 'test',
  })
  await undo.push(() => ngome.close())
  const endpoint = await ngome.webhookEndpoints.create({ url: receiver.url }, { idempotencyKey: key.id })
  await undo.push(() => ngome.webhookEndpoints.delete(endpoint.id))
  if (endpoint.secret === null) throw new Fault('launcher/failed', 'the API kept the webhook\'s secret to itself')
  receiver.useSecret(endpoint.secret)
  const auditor = auditorView(config)
  await undo.push(() => auditor.close())
  tell.say(`A merchant of its own, ${merchant}, with an API key and webhooks to ${receiver.url}.`)
  const results: SceneResult[] = []
  for (const [at, scene] of scenes.entries()) {
    tell.title(`${at + 1} of ${scenes.length}: ${scene.title} (${scene.phone}, ${scene.amount} EUR)`)
    results.push(await playScene(scene, {
      ngome, db: access.db, auditor, receiver, stage: tell, random: context.random, interrupted: context.interrupted,
    }))
  }
  return results
}

async function openAccess({ clock, random }: Context, config: Config, undo: Undo): Promise<OperatorAccess> {
  const db = operatorDatabase(config)
  await undo.push(() => db.close())
  const operator = await operatorIdentity(config, { clock, random })
  await undo.push(() => operator.close())
  return { db, custodian: operator.custodian, clock, random }
}

async function openReceiver(config: Config, undo: Undo): Promise<WebhookReceiver> {
  const allowed = localWebhookAddress(config)
  if (allowed === undefined) throw new Fault('launcher/failed', 'egress.allowPrivate allows no localhost:PORT to receive webhooks on')
  const receiver = await startWebhookReceiver(allowed.host, allowed.port)
  await undo.push(() => receiver.close())
  return receiver
}
