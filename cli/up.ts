import { relative } from 'node:path'
import { systemClock } from '@ngome/kernel'
import { authorityPath, configPath, loadConfig, type Config } from '@ngome/runtime'
import { exitCodes, type Command, type Context, type ExitCode, type Given } from './command.ts'
import { launch, type Platform } from './launcher/launch.ts'
import { tellWithTimes } from './launcher/progress.ts'
import { Undo } from './launcher/undo.ts'
import { randomUuid } from './random-uuid.ts'

export const up: Command = {
  name: 'up',
  summary: 'Start the platform on this machine and run it until Ctrl-C.',
  operands: [],
  options: {},
  endsItself: true,
  run: runUp,
}

async function runUp(context: Context, given: Given): Promise<ExitCode> {
  const surroundings = { workingDir: context.root }
  const load = (): Config => loadConfig(context.env, surroundings)
  const config = load()
  const tell = tellWithTimes(systemClock, context.err)
  const undo = new Undo()
  const stop = (): void => {
    tell('stopping; Ctrl-C again ends everything at once')
    void undo.run()
  }
  context.interrupted.addEventListener('abort', stop, { once: true })
  try {
    const { root, env, clock, random } = context
    const configFile = configPath(env, surroundings)
    const platform = await launch({ root, env, config, configFile, clock, random, tell }, undo)
    context.onReload(() => {
      tell('reloading the configuration')
      try {
        platform.reload(load()).catch((error: unknown) => tell(`not reloaded: ${String(error)}`))
      } catch (error) {
        tell(`not reloaded: ${error instanceof Error ? error.message : 'unknown'}`)
      }
    })
    if (!context.interrupted.aborted) greet(context, given, config, platform)
    await aborted(context.interrupted)
    await undo.run()
    return exitCodes.done
  } catch (error) {
    await undo.run()
    if (context.interrupted.aborted) return exitCodes.failed
    throw error
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** What a newcomer needs: where the API is, what to trust, the key, and a payment to paste. */
function greet({ out, root, random }: Context, { isJson }: Given, config: Config, { key, isolation }: Platform): void {
  const api = `https://${config.gateway.publicNames[0] ?? 'localhost'}:${config.gateway.port}`
  const authority = authorityPath(config)
  const text = key.text?.expose((value) => value)
  if (isJson) {
    out(JSON.stringify({ api, authority, merchant: key.merchant, key: { id: key.key, issuedAt: key.issuedAt, text: text ?? null }, isolation }))
    return
  }
  const shownAuthority = relative(process.cwd(), authority).startsWith('..') ? authority : relative(process.cwd(), authority)
  out('')
  out(`Ngome runs. The API is ${api}, its reference ${api}/reference`)
  if (config.gateway.checkoutOrigin !== undefined) out(`Payment links lead to ${config.gateway.checkoutOrigin}`)
  out(`Trust its certificate by ${shownAuthority}`)
  out(text === undefined
    ? `The test key ${key.key} was issued at ${key.issuedAt} and is kept nowhere; another: npx ngome keys issue ${key.merchant}`
    : `The test merchant is ${key.merchant}; its API key, shown this once: ${text}`)
  out('')
  out(text === undefined ? 'Take a payment, with a key that you kept in NGOME_API_KEY:' : 'Take a payment:')
  out(`  curl --cacert ${shownAuthority} ${api}/v1/payments \\`)
  out(`    -H "Authorization: Bearer ${text ?? '$NGOME_API_KEY'}" -H 'Idempotency-Key: ${randomUuid(random)}' \\`)
  out(`    -H 'Content-Type: application/json' \\`)
  out(`    -d '{"amount":"5.00","currency":"EUR","network":"mtn-sandbox","payer":{"phone":"+46733123499"},"reference":"order-1"}'`)
  out('')
  out(`Logs: ${relative(root, config.dataDir).startsWith('..') ? config.dataDir : relative(root, config.dataDir)}/launcher/logs. Ctrl-C stops everything in order.`)
}
