import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DIRECT, JOURNAL } from './profiles.js'
import { soak } from './soak.js'

const soaking = suite('soak')

/** What `npm run test:soak` does for minutes, for a few seconds, with more deaths. */
for (const [profile, lives] of [
  [DIRECT, { files: 6000, journal: 0 }],
  [JOURNAL, { files: 6000, journal: 150 }],
] as const) {
  soaking(`${profile.durability}: nothing is lost or grows while workers die`, async () => {
    const { samples, sessions, problems } = await soak({
      ...profile,
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
