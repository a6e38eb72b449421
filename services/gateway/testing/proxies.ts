import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts, WatchedChild } from '@ngome/testkit'

export const proxyNames = ['nginx', 'haproxy'] as const
export type ProxyName = (typeof proxyNames)[number]

/** What the proxy itself refuses to pass on: whoever reaches it smuggled a request past the proxy. */
export const forbiddenPath = '/v1/webhook_endpoints'

/** For a test's `skip`: `false` where the proxy is installed, else what is missing. */
export function proxyIsMissing(name: ProxyName): string | false {
  return spawnSync(name, ['-v']).error === undefined ? false : `needs the package ${name}`
}

export type Proxy = { readonly port: number; stop(): Promise<void> }

/**
 * A proxy in front of a gateway, as an operator would have it who must: TLS again behind it, verified, one connection kept
 * and used again, and no header added (docs/runbooks/behind-a-proxy.md).
 */
export async function startProxy(name: ProxyName, gateway: { readonly port: number; readonly ca: string }): Promise<Proxy> {
  const folder = mkdtempSync(join(tmpdir(), `ngome-${name}-`))
  chmodSync(folder, 0o755)
  const [port = 0] = await freePorts(1)
  const [ca, conf] = [join(folder, 'ca.pem'), join(folder, 'proxy.conf')]
  writeFileSync(ca, gateway.ca)
  writeFileSync(conf, name === 'nginx' ? nginxConf({ folder, port, ca, gateway: gateway.port }) : haproxyConf({ port, ca, gateway: gateway.port }))
  const argv = name === 'nginx' ? ['-c', conf, '-p', folder, '-e', 'stderr'] : ['-f', conf, '-db']
  const child = new WatchedChild(name, spawn(name, argv, { stdio: ['ignore', 'pipe', 'pipe'] }))
  for (let tries = 0; !await isOpen(port); tries++) {
    if (tries > 200) throw new Error(`${name} does not listen: ${child.output}`)
    await sleep(50)
  }
  return {
    port,
    stop: async () => {
      await child.end('SIGTERM', 5_000)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

type Places = { readonly port: number; readonly ca: string; readonly gateway: number }

function nginxConf({ folder, port, ca, gateway }: Places & { readonly folder: string }): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ')
  return `daemon off; worker_processes 1; pid ${folder}/pid;
events { worker_connections 128; }
http {
  access_log off; ${temporary}
  upstream gateway { server 127.0.0.1:${gateway}; keepalive 1; }
  server {
    listen 127.0.0.1:${port};
    location ^~ ${forbiddenPath} { return 403; }
    location / {
      proxy_pass https://gateway; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host localhost;
      proxy_ssl_verify on; proxy_ssl_trusted_certificate ${ca}; proxy_ssl_name localhost; proxy_ssl_server_name on;
      proxy_ssl_protocols TLSv1.3;
    }
  }
}
`
}

function haproxyConf({ port, ca, gateway }: Places): string {
  return `global
  maxconn 100
defaults
  mode http
  timeout connect 2s
  timeout client 5s
  timeout server 5s
  http-reuse always
frontend public
  bind 127.0.0.1:${port}
  http-request deny if { path_beg ${forbiddenPath} }
  default_backend gateway
backend gateway
  server one 127.0.0.1:${gateway} ssl verify required ca-file ${ca} sni str(localhost) verifyhost localhost alpn http/1.1 pool-max-conn 1
`
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    const end = (is: boolean) => (): void => {
      socket.destroy()
      resolve(is)
    }
    socket.once('connect', end(true)).once('error', end(false))
  })
}
