import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SessionEngine } from 'coatcheck'
import { Command } from 'commander'
import { makeApp } from './app.js'

/*
 * node build/examples/middleware/server.js: an Express app with sessions, and without express-session, to be clicked on.
 */

const options = new Command('server.js')
  .description('Counts visits, logs in and out; sessions are files.')
  .option('--port <number>', 'where to listen; 0 for any free port', Number, 3000)
  .option('--directory <path>', 'where the sessions live, and stay; default a temporary directory')
  .option('--slow <seconds>', 'how long the slow button takes', Number, 3)
  .parse()
  .opts<{ port: number; directory?: string; slow: number }>()

const directory = options.directory ?? temporaryDirectory()
const engine = new SessionEngine<object>({ directory })
const server = createServer(makeApp(engine, options.slow))
try {
  await engine.ready()
  server.listen(options.port, '127.0.0.1')
  await once(server, 'listening')
  console.log(`\n  http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
  console.log(`Sessions are in ${directory}. Ctrl-C ends.`)
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
} catch (error) {
  console.error(error instanceof Error ? `error: ${error.message}` : error)
  process.exitCode = 1
} finally {
  await engine.close()
}

function temporaryDirectory(): string {
  const parent = mkdtempSync(join(tmpdir(), 'coatcheck-middleware-'))
  process.once('exit', () => rmSync(parent, { recursive: true, force: true, maxRetries: 3 }))
  return join(parent, 'sessions')
}
