import { SessionEngine, StorageError } from 'coatcheck'
import { type RedisOptions, redis } from 'coatcheck/redis'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from '../../conformance/rejections.js'
import { Authority, hasOpenssl } from '../../fixtures/redis/certificates.js'
import { freePort } from '../../fixtures/redis/free-port.js'
import { hasRedisServer, RedisServer } from '../../fixtures/redis/redis-server.js'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'
import { skipUnless } from '../../skip.js'

const test = suite('redis: TLS')
const withServer = skipUnless(hasRedisServer() && hasOpenssl(), 'needs redis-server and openssl')

const PASSWORD = 'a-password-that-nobody-may-see'

async function started(
  authority: Authority,
  { clients = 'no' }: { readonly clients?: 'yes' | 'no' } = {},
): Promise<RedisServer> {
  const { certificateFile, keyFile } = authority.issue('server')
  const port = await freePort()
  const server = new RedisServer({
    directory: temporaryDirectory('memory'),
    port,
    words: [
      ...['--port', '0', '--tls-port', `${port}`, '--requirepass', PASSWORD],
      ...['--tls-cert-file', certificateFile, '--tls-key-file', keyFile],
      ...['--tls-ca-cert-file', authority.own.certificateFile, '--tls-auth-clients', clients],
    ],
  })
  await server.start()
  return server
}

function engineOn({ port }: RedisServer, options: RedisOptions): SessionEngine {
  const url = `rediss://:${PASSWORD}@127.0.0.1:${port}`
  return new SessionEngine({ storage: redis({ url, commandTimeout: 20_000, ...options }), threads: 1 })
}

/** Why it cannot be opened: told at once, and without the password. */
async function refusal(server: RedisServer, options: RedisOptions): Promise<StorageError> {
  const engine = engineOn(server, options)
  const error = await rejection(engine.ready(), StorageError)
  await engine.close()
  assert.not.match(`${error.stack} ${String(error.cause)}`, PASSWORD)
  return error
}

withServer(test, 'an authority of our own is trusted where it is named, and nobody else', async () => {
  const authority = new Authority(temporaryDirectory('memory'))
  const server = await started(authority)
  const engine = engineOn(server, { tls: { ca: authority.own.certificate } })
  await engine.save('key', { text: 'over TLS' })
  assert.equal(await engine.load('key'), { text: 'over TLS' })
  assert.equal([await engine.count(), await engine.touch('key')], [1, true])
  await engine.close()
  const stranger = new Authority(temporaryDirectory('memory'))
  for (const tls of [true, { ca: stranger.own.certificate }]) {
    const { errno, message } = await refusal(server, { tls })
    assert.match(errno, /CERT|SIGN|ISSUER/)
    assert.match(message, /tls\.ca/)
  }
  const trusting = engineOn(server, { tls: { ca: stranger.own.certificate, rejectUnauthorized: false } })
  assert.equal(await trusting.load('key'), { text: 'over TLS' })
  await trusting.close()
  await server.stop()
})

withServer(test, 'a certificate for another name is refused', async () => {
  const authority = new Authority(temporaryDirectory('memory'))
  const server = await started(authority)
  const { errno, message } = await refusal(server, {
    tls: { ca: authority.own.certificate, servername: 'other.example' },
  })
  assert.is(errno, 'ERR_TLS_CERT_ALTNAME_INVALID')
  assert.match(message, /tls\.servername/)
  await server.stop()
})

withServer(test, 'a server that wants to know its clients is shown a certificate', async () => {
  const authority = new Authority(temporaryDirectory('memory'))
  const server = await started(authority, { clients: 'yes' })
  const ca = authority.own.certificate
  const { certificate: cert, key } = authority.issue('client')
  const engine = engineOn(server, { tls: { ca, cert, key } })
  await engine.save('key', { known: true })
  assert.equal(await engine.load('key'), { known: true })
  await engine.close()
  const { errno, message } = await refusal(server, { tls: { ca }, commandTimeout: 2000 })
  assert.match(errno, /^(EPROTO|ECONNRESET|ETIMEDOUT)$/)
  if (errno === 'EPROTO') assert.match(message, /tls\.cert/)
  await server.stop()
})

withServer(test, 'a client without TLS is refused', async () => {
  const server = await started(new Authority(temporaryDirectory('memory')))
  const url = `redis://:${PASSWORD}@127.0.0.1:${server.port}`
  const { errno } = await refusal(server, { url, commandTimeout: 2000 })
  assert.match(errno, /^(ECONNRESET|EPROTO|EPIPE|ETIMEDOUT|NOT_REDIS)$/)
  await server.stop()
})

test.run()
