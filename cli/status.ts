import { X509Certificate } from 'node:crypto'
import { Agent, request } from 'node:https'
import type { ProcessRole } from '@ngome/kernel'
import { parseCertificateRole, type Config, type Identity } from '@ngome/runtime'
import { z } from 'zod'
import { exitCodes, type Command } from './command.ts'
import { waitingForShares } from './ceremony/waiting-for-shares.ts'
import { configOf } from './operator/load.ts'
import { operatorIdentity } from './operator/operator-access.ts'

/** A process that does not say within this whether it is ready is not. */
const answerMsMax = 3_000

const readinessSchema = z.object({
  ready: z.boolean(),
  checks: z.record(z.string(), z.object({ ready: z.boolean(), reason: z.string().nullable() })),
})

type Row = { readonly process: ProcessRole; readonly state: 'ready' | 'not ready' | 'away'; readonly detail: string }

export const status: Command = {
  name: 'status',
  summary: 'Ask each process whether it is ready. Exit code 1 unless all are.',
  operands: [],
  options: {},
  async run(context, { isJson }) {
    const config = configOf(context)
    const rows = await rowsOf(config, context)
    if (isJson) context.out(JSON.stringify(rows))
    else for (const { process, state, detail } of rows) context.out(`${process.padEnd(10)}  ${state.padEnd(9)}  ${detail}`.trimEnd())
    return rows.every(({ state }) => state === 'ready') ? exitCodes.done : exitCodes.failed
  },
}

async function rowsOf(config: Config, from: Parameters<typeof operatorIdentity>[1]): Promise<readonly Row[]> {
  const waiting = await waitingForShares(config)
  if (waiting !== undefined) return [{ process: 'custodian', state: 'not ready', detail: waiting }]
  let operator
  try {
    operator = await operatorIdentity(config, from)
  } catch (error) {
    const detail = error instanceof Error ? error.message : 'unknown'
    return [{ process: 'custodian', state: 'away', detail }]
  }
  const { identity } = operator
  const { twin } = config.custodian
  try {
    return await Promise.all([
      ask(identity, 'custodian', config.custodian.host, config.custodian.port),
      ...twin === undefined ? [] : [ask(identity, 'custodian', twin.host, twin.port)],
      ask(identity, 'gateway', config.gateway.internalHost, config.gateway.internalPort),
      ask(identity, 'dispatcher', config.dispatcher.internalHost, config.dispatcher.internalPort),
    ])
  } finally {
    operator.close()
  }
}

function ask(identity: Identity, role: ProcessRole, host: string, port: number): Promise<Row> {
  const agent = new Agent({
    ...identity.secureContext(),
    // The role in the certificate proves who answers; the host name proves nothing here.
    checkServerIdentity: (_host, { raw }) => (
      parseCertificateRole(new X509Certificate(raw)) === role ? undefined : new Error(`who answers is not the ${role}`)
    ),
  })
  return new Promise((resolve) => {
    const away = (error: Error): void => resolve({ process: role, state: 'away', detail: error.message })
    const outgoing = request({ agent, host, port, path: '/readyz', timeout: answerMsMax }, (incoming) => {
      let text = ''
      incoming.setEncoding('utf8').on('data', (chunk: string) => { text += chunk }).on('error', away)
      incoming.on('end', () => resolve(rowOf(role, text)))
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time'))).on('error', away)
    outgoing.end()
  })
}

function rowOf(process: ProcessRole, text: string): Row {
  const answer = readinessSchema.safeParse(parseJson(text))
  if (!answer.success) return { process, state: 'away', detail: 'an answer that is not understood' }
  if (answer.data.ready) return { process, state: 'ready', detail: '' }
  const failing = Object.entries(answer.data.checks).filter(([, check]) => !check.ready)
  return { process, state: 'not ready', detail: failing.map(([name, { reason }]) => `${name}: ${reason ?? 'no'}`).join(', ') }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
