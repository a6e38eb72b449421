import type { FastifyReply } from 'fastify'
import { refusal, type Refusal } from './refusal.ts'

export const accepted: Refusal = { status: 202, body: {} }
export const alreadyExists = refusal(409, 'RESOURCE_ALREADY_EXIST', 'Duplicated reference id. Creation of resource failed.')
export const notFound = refusal(404, 'RESOURCE_NOT_FOUND', 'Requested resource was not found.')
export const rateCapped: Refusal = { status: 429, body: { statusCode: 429, message: 'Rate limit is exceeded. Try again in 1 seconds.' } }

/** What a proxy between says, in the place of what was asked for. */
export const garbageAnswer = '<html><body><h1>Gateway</h1></body></html>'

export function brokenAnswer(status: number): Refusal {
  return { status, body: { message: 'Internal server error' } }
}

export function answer(reply: FastifyReply, { status, body }: Refusal): FastifyReply {
  return status === 202 ? reply.code(status).send() : reply.code(status).send(body)
}

/** With 200, so that nobody may go by the status alone. */
export function garbled(reply: FastifyReply, text: string): FastifyReply {
  return reply.code(200).type('text/html').send(text)
}
