import { execFile } from 'node:child_process'
import { BanKeeper } from './ban-keeper.ts'

/**
 * The one process that may change the kernel's rules while the platform runs (CAP_NET_ADMIN, and no other right). The
 * launcher starts it with: nft's full path, our table, and the networks that are never banned. Orders come over standard
 * input; it answers nothing.
 */
const [nft = '', table = '', ...never] = process.argv.slice(2)
/** Orders of a fifth of a second are one call of nft. */
const flushPeriodMs = 200
const nftMsMax = 5_000
/** What failed is said once in a while; the rest is in the counter. */
const tellPeriodMs = 60_000

if (!nft.startsWith('/') || !/^[a-z0-9_]{1,64}$/.test(table)) {
  process.stderr.write('this is started by the launcher\n')
  process.exit(2)
}

const keeper = new BanKeeper({ table, never, monotonicMs: () => performance.now() })
let toldAtMs = -tellPeriodMs
let toldDropped = 0

process.stdin.setEncoding('latin1').on('data', (text: string) => keeper.take(text)).on('end', () => process.exit(0))
process.stdin.on('error', () => process.exit(1))
setTimeout(flush, flushPeriodMs)

function flush(): void {
  const script = keeper.script()
  const later = (): void => void setTimeout(flush, flushPeriodMs)
  if (keeper.dropped > toldDropped) tell(`${keeper.dropped - toldDropped} orders were not obeyed`)
  if (script === undefined) {
    later()
    return
  }
  const child = execFile(nft, ['--file', '-'], { env: {}, timeout: nftMsMax, killSignal: 'SIGKILL' }, (error, _out, complaint) => {
    if (error !== null) tell(`the kernel refused: ${complaint.split('\n')[0] ?? ''}`)
    later()
  })
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(script)
}

function tell(text: string): void {
  if (performance.now() - toldAtMs < tellPeriodMs) return
  toldAtMs = performance.now()
  toldDropped = keeper.dropped
  process.stderr.write(`${text}\n`)
}
