import { bansMax } from '@ngome/kernel'

/**
 * The table of banned networks as one nftables script: packets to the gateway's port from a network in a set are dropped
 * before the kernel keeps track of them, so that a flood costs next to nothing. Elements end by themselves.
 * @param port of the public API; nothing else of the machine is touched
 */
export function banRules(table: string, port: number): string {
  return [
    `table inet ${table}`, `delete table inet ${table}`, `table inet ${table} {`,
    `  set bans4 { type ipv4_addr; flags timeout; size ${bansMax}; }`,
    `  set bans6 { type ipv6_addr; flags timeout; size ${bansMax}; }`,
    '  chain input {', '    type filter hook prerouting priority raw; policy accept;',
    `    tcp dport ${port} ip saddr @bans4 counter drop`,
    `    tcp dport ${port} ip6 saddr & ffff:ffff:ffff:ffff:: @bans6 counter drop`,
    '  }', '}', '',
  ].join('\n')
}
