import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { hasRedisServer } from '../fixtures/redis/redis-server.js'
import { skipUnless } from '../skip.js'
import { DIRECT, JOURNAL, REDIS } from './profiles.js'
import { soak } from './soak.js'

const soaking = suite('soak')

/** What `npm run test:soak` does for minutes, for a few seconds, with more deaths. */
for (const [profile, lives] of [
  [DIRECT, { files: 20_000, journal: 0 }],
  [JOURNAL, { files: 20_000, journal: 150 }],
  [REDIS, { files: 300, journal: 0 }],
] as const) {
  const register = skipUnless(profile !== REDIS || hasRedisServer(), 'needs redis-server')
  register(soaking, `${profile.storage}: nothing is lost or grows while workers die`, async () => {
    const { samples, sessions, problems } = await soak({
      ...profile,
      // Of tens of thousands of keys, so that whatever keeps a word of each is seen in so short a time.
      bounds: { ...profile.bounds, heapBytes: 768 * 1024 },
      strangers: 32,
      lives,
      visitors: 32,
      sessions: 10,
      where: 'memory',
      requests: 15,
      rounds: 6,
      atLeast: 0,
    })
    assert.equal(problems, [])
    assert.is(samples.length, 6)
    assert.is(sessions, 320)
  })
}

soaking.run()
