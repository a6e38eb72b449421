/**
 * Every bound of the public server, each with its reason. They are constants, not configuration: a limit that an
 * operator may raise is a limit that an attacker waits for. Relations between them are asserted at load.
 */

/** Request line and headers together. Our largest legitimate head (browser, cookies on the reference page) is 4 KiB. */
export const headBytesMax = 8_192
/** Headers in one request; browsers send about 20. */
export const headerCountMax = 40
/** The request target; the longest of ours is a page with cursor, or a callback with its token, below 400. */
export const targetLengthMax = 1_024
/** One path segment that a route takes as a parameter: a callback's token of about 180 characters is the longest. */
export const segmentLengthMax = 256
/** A JSON body; the largest legitimate payment is below 1 KiB. */
export const bodyBytesMax = 16_384
/** A provider's callback, kept sealed as it came; MTN's is below 1 KiB. */
export const callbackBytesMax = 8_192
/** A batch for the vault: 500 tokens of 1 KiB; who keeps long texts sends fewer at once. */
export const vaultBatchBytesMax = 524_288
/** The same for a part of a batch of payouts: some eight for each of its rows. */
export const partNodesMax = 8_192
/** How deep a JSON body nests; our schemas nest twice. */
export const jsonDepthMax = 8
/** Members and elements of one JSON body; our schemas have eight. */
export const jsonNodesMax = 256
/** The same for a batch of the vault: some twenty for each token. */
export const vaultBatchNodesMax = 10_240
/** The same for a forward, whose body is another system's. */
export const forwardNodesMax = 1_024

/** From the first byte of a TLS connection to its end of handshake. */
export const handshakeTimeoutMs = 10_000
/** From the first byte of a request to the end of its head: what a slow sender may hold a connection for. */
export const headersTimeoutMs = 10_000
/** From the first byte of a request to the end of its body. */
export const requestTimeoutMs = 20_000
/** How often Node looks for connections past the two timeouts above. */
export const connectionsCheckMs = 2_000
/** How long an idle connection lives; advertised, so that clients leave first. Draining takes at least this long. */
export const keepAliveTimeoutMs = 5_000
/** How much longer than advertised we wait, so that a request sent in the last moment still finds the door open. */
export const keepAliveBufferMs = 1_000
/** Requests on one connection before we close it, so that clients spread over gateways again. */
export const requestsPerConnectionMax = 10_000
/** Connections by total; each costs about 60 KiB, so that 4,096 stay below 256 MiB. */
export const connectionsMax = 4_096
/** Connections of one address, a sixteenth of all, so that no single one shuts the others out; loopback counts too. */
export const connectionsPerAddressMax = 256
/** How long a handshake keeps its place while all are taken; a phone far away needs three round trips of 300 ms. */
export const handshakePatienceMs = 1_000
/**
 * Requests of one connection without their answer: one is under way, the others wait for theirs; real clients do not
 * pipeline, and past this the connection ends.
 */
export const pipelinedRequestsMax = 32
/** What a sender may take before its rate is looked at: lost packets, a phone that changes its cell. */
export const slowGraceMs = 5_000
/** Bytes a second that a head or body must come with after that: Apache's mod_reqtimeout asks the same, and GPRS gives double. */
export const dataRateMin = 500
/** How long an answer may lie in our memory while its client takes nothing of it; the kernel's buffers hold most anyway. */
export const slowReadMs = 10_000
/** How often connections are looked at for the three above; one look at 4,096 costs below a millisecond. */
export const connectionSweepMs = 1_000
/**
 * New connections of one network at once and each second after that. A handshake costs us about a millisecond of a core:
 * one network takes at most a twentieth of it, and a merchant's pool of connections comes up at once.
 */
export const newConnectionsBurst = 512
export const newConnectionsPerS = 50
/** Handshakes that begin in one turn of the event loop: others wait for some six milliseconds of them, not for a whole pool's. */
export const handshakesPerTurn = 8
/** Networks whose pace is remembered; more come out of one purse. About 100 bytes each. */
export const pacedNetworksMax = 16_384
/** Answers in a row that a connection is given at once which say when to come again; a client that obeys sends less. */
export const unheededMax = 32
/** How long each one after those is held back: what a client does not wait by itself it waits here. */
export const unheededPauseMs = 500
/** How long a draining gateway waits for what is under way before it goes. */
export const drainDeadlineMs = 30_000

/** The longest value of an `Idempotency-Key`. */
export const idempotencyKeyLengthMax = 255
/** Payments or endpoints on one page, and how many when the caller does not say. */
export const pageSizeMax = 100
export const pageSizeDefault = 20

const relations: readonly (readonly [string, boolean])[] = [
  ['a target fits into the head', targetLengthMax < headBytesMax],
  ['a segment fits into a target', segmentLengthMax < targetLengthMax],
  ['a head times out before its request', headersTimeoutMs < requestTimeoutMs],
  ['timeouts are looked for often enough to mean something', connectionsCheckMs < headersTimeoutMs],
  ['a drain outlives idle connections and a slow request', drainDeadlineMs > requestTimeoutMs + keepAliveBufferMs
    && drainDeadlineMs > keepAliveTimeoutMs + keepAliveBufferMs],
  ['no few addresses hold all connections', connectionsPerAddressMax * 16 <= connectionsMax],
  ['whoever is slow is seen before the timeouts that end everybody', slowGraceMs + connectionSweepMs < headersTimeoutMs],
  ['a sweep comes often within the grace', connectionSweepMs * 4 <= slowGraceMs],
  ['a client that takes nothing does not hold up a drain', slowReadMs + connectionSweepMs < drainDeadlineMs],
  ['an address may bring up all its connections at once', newConnectionsBurst >= connectionsPerAddressMax],
  ['a handshake may lie before it times out', handshakePatienceMs < handshakeTimeoutMs],
  ['an answer that is held back does not hold up a drain', unheededPauseMs * pipelinedRequestsMax < drainDeadlineMs],
  ['a callback is no larger than a body', callbackBytesMax <= bodyBytesMax],
]
for (const [claim, holds] of relations) if (!holds) throw new RangeError(`limits contradict each other: ${claim}`)
