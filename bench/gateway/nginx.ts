import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from '@ngome/testkit'

const program = '/usr/sbin/nginx'

/** An nginx of one process that ends TLS 1.3 in front of a plain HTTP server, with kept connections on both sides. */
export class Nginx {
  readonly port: number
  readonly #folder: string
  readonly #child: ChildProcess

  private constructor(port: number, folder: string) {
    this.port = port
    this.#folder = folder
    this.#child = spawn(program, ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'], { stdio: 'ignore' })
  }

  static get isInstalled(): boolean {
    return spawnSync(program, ['-v'], { stdio: 'ignore' }).status === 0
  }

  static async start(to: number, certificate: { readonly key: string; readonly cert: string }): Promise<Nginx> {
    const folder = mkdtempSync(join(tmpdir(), 'ngome-nginx-'))
    const [port = 0] = await freePorts(1)
    writeFileSync(join(folder, 'key.pem'), certificate.key, { mode: 0o600 })
    writeFileSync(join(folder, 'cert.pem'), certificate.cert)
    writeFileSync(join(folder, 'nginx.conf'), configuration(folder, port, to))
    const nginx = new Nginx(port, folder)
    await sleep(startMs)
    return nginx
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  stop(): void {
    this.#child.kill('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** It binds within a few milliseconds; the warm-up of a benchmark would hide the rest. */
const startMs = 300

function configuration(folder: string, port: number, to: number): string {
  return `
daemon off; master_process off; pid ${folder}/pid; worker_rlimit_nofile 4096;
events { worker_connections 2048; }
http {
  access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  keepalive_requests 1000000;
  upstream app { server 127.0.0.1:${to}; keepalive 64; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port} ssl; server_name localhost; server_tokens off;
    ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem; ssl_protocols TLSv1.3;
    add_header Strict-Transport-Security "max-age=63072000; includeSubDomains" always;
    location / {
      proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr;
    }
  }
}
`
}
