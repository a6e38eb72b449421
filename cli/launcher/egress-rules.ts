import { createHash } from 'node:crypto'

/** Where one process may open a connection to; answers to what others opened are not its connections. */
export type Reach = {
  readonly name: string
  readonly uid: number
  readonly to:
    | { readonly kind: 'nothing' }
    | { readonly kind: 'loopback' }
    | { readonly kind: 'places'; readonly places: readonly Place[] }
    | { readonly kind: 'internet'; readonly places: readonly Place[] }
}

/** An address and a TCP port. */
export type Place = { readonly address: string; readonly port: number }

/** Each instance has a table of its own, so that one's stop does not open another's gates. */
export function egressTable(dataDir: string): string {
  return `ngome_${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`
}

// IANA's special-purpose registries (RFC 6890 and successors): what is not on the Internet.
const privateV4 = [
  '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24',
  '192.168.0.0/16', '198.18.0.0/15', '224.0.0.0-255.255.255.255',
]
const privateV6 = ['::/96', '::ffff:0:0/96', '64:ff9b::/96', '100::/64', 'fc00::/7', 'fe80::/10', 'ff00::/8']

/**
 * Writes the rules as one nftables script that replaces the instance's table in one step.
 *
 * A listening socket's SYN-ACK carries no user yet, and an accepted connection is established, so both pass before any
 * user is asked for: the rules hold for connections that a process opens itself.
 */
export function egressRules(table: string, reaches: readonly Reach[]): string {
  const jumps = reaches.map(({ name, uid }) => `    meta skuid ${uid} goto ${name}`)
  return [
    `table inet ${table}`, `delete table inet ${table}`, `table inet ${table} {`,
    '  chain output {', '    type filter hook output priority filter; policy accept;',
    '    ct state established,related accept', ...jumps, '  }',
    '  chain refuse {',
    '    meta l4proto tcp counter reject with tcp reset', '    counter reject with icmpx admin-prohibited',
    '  }',
    ...reaches.flatMap((reach) => [`  chain ${reach.name} {`, ...reachRules(reach).map((rule) => `    ${rule}`), '  }']),
    '}', '',
  ].join('\n')
}

function reachRules({ to }: Reach): string[] {
  switch (to.kind) {
    case 'nothing': return ['goto refuse']
    case 'loopback': return ['oifname "lo" accept', 'goto refuse']
    case 'places': return [...to.places.map(placeRule), 'goto refuse']
    case 'internet': return [
      ...to.places.map(placeRule),
      // Names are asked for where the machine asks for them, which is often a private address.
      'udp dport 53 accept', 'tcp dport 53 accept',
      `ip daddr { ${privateV4.join(', ')} } goto refuse`, `ip6 daddr { ${privateV6.join(', ')} } goto refuse`,
      'oifname "lo" goto refuse', 'meta l4proto tcp accept', 'goto refuse',
    ]
    default: return to satisfies never
  }
}

function placeRule({ address, port }: Place): string {
  return `${address.includes(':') ? 'ip6' : 'ip'} daddr ${address} tcp dport ${port} accept`
}
