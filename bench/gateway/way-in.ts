import { tlsContext } from '../../services/gateway/http/public-server.ts'
import { median, rateCase, timeCase, type BenchCase } from '../harness.ts'
import { answerOf } from '../sides/answer-of.ts'
import { inTurnsOf, loadedBy, type Samples } from '../sides/in-turns.ts'
import { Worker } from '../sides/worker.ts'
import type { FastifyOrder } from './fastify-server.ts'
import { Nginx } from './nginx.ts'
import type { PipelineOrder, PipelineReport } from './pipeline-server.ts'

/** As many as the other cases that read have. */
const connections = 64
const body = '{"id":"pay_01k8z3f7q2e9d8m4n6p0r5s7tv"}'
const path = '/v1/payments/pay_01k8z3f7q2e9d8m4n6p0r5s7tv'
/** More than any run brings: what is measured is the limiter's work, not its refusals. */
const requestsPerMinuteMax = 100_000_000

type Stand = {
  readonly certificate: { readonly key: string; readonly cert: string }
  readonly ca: string
  readonly load: Worker
  /** The body of a request that its schema takes. */
  readonly order: string
}

/**
 * The way of a request to its handler, with handlers that do nothing: beside a bare server that answers the same bytes, and
 * beside what a team would pick instead.
 */
export async function wayIn(stand: Stand): Promise<BenchCase[]> {
  const { certificate, ca, load, order } = stand
  const pipeline = new Worker('gateway/pipeline-server.ts')
  const { port, key } = await pipeline.ask<PipelineReport>({ certificate, status: 200, body } satisfies PipelineOrder)
  const bare = new Worker('sides/bare-server.ts')
  const answer = await answerOf({ port, ca, path, headers: { authorization: `Bearer ${key}` } })
  const { port: barePort } = await bare.ask<{ port: number }>({ tls: tlsContext(certificate), ...answer })
  const rival = Nginx.isInstalled ? await startRival(certificate, key) : undefined
  try {
    const cases: BenchCase[] = []
    for (const [name, request] of Object.entries(requestsOf(key, order))) {
      const run = { ca, connections, requests: [request], status: 200 }
      const ours = loadedBy(load, { pid: pipeline.pid, order: { ...run, port } })
      cases.push(...casesOf(`${name}, to its handler`, await inTurnsOf([ours, loadedBy(load, { pid: bare.pid, order: { ...run, port: barePort } })])))
      if (rival === undefined) continue
      const theirs = loadedBy(load, { pid: rival.pids, order: { ...run, port: rival.port } })
      cases.push(...casesOf(`${name}, beside Fastify behind nginx`, await inTurnsOf([ours, theirs])))
    }
    return cases
  } finally {
    rival?.stop()
    pipeline.stop()
    bare.stop()
  }
}

function requestsOf(key: string, order: string): Record<string, string> {
  const head = ['Host: localhost', `Authorization: Bearer ${key}`, 'Accept: */*', 'User-Agent: bench']
  const bodyHead = ['Content-Type: application/json', `Content-Length: ${order.length}`, 'Idempotency-Key: bench-{n}']
  return {
    GET: [`GET ${path} HTTP/1.1`, ...head, '', ''].join('\r\n'),
    'POST with a body': ['POST /v1/payments HTTP/1.1', ...head, ...bodyHead, '', order].join('\r\n'),
  }
}

async function startRival(certificate: Stand['certificate'], key: string) {
  const fastify = new Worker('gateway/fastify-server.ts')
  const { port } = await fastify.ask<{ port: number }>({ key, body, requestsPerMinuteMax } satisfies FastifyOrder)
  const nginx = await Nginx.start(port, certificate)
  const stop = (): void => {
    nginx.stop()
    fastify.stop()
  }
  return { port: nginx.port, pids: [fastify.pid, nginx.pid], stop }
}

function casesOf(name: string, [ours, theirs]: readonly [Samples, Samples]): BenchCase[] {
  return [
    rateCase(`${name}, answers`, '1/s', median(ours.perSecond), median(theirs.perSecond)),
    ...(ours.cpu.length === 0 ? [] : [timeCase(`${name}, CPU for each`, 'µs', median(ours.cpu), median(theirs.cpu))]),
  ]
}
