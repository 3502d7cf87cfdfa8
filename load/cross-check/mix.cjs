// The chat's clients for autocannon, at a constant rate: as mix.lua. Latencies are corrected for coordinated omission.

const autocannon = require(require.resolve('autocannon', { paths: [process.argv[2]] }))
const [, , , url, rate, seconds] = process.argv

let users = 0
const instance = autocannon({
  url, connections: 10, overallRate: Number(rate), duration: Number(seconds), timeout: 30,
  setupClient (client) {
    const user = `w${users++}`
    const post = number => ({
      method: 'POST', path: `/room/hall/${user}`, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: `message ${number} from ${user}`
    })
    client.setRequests([
      { method: 'GET', path: `/user/${user}` },
      ...Array.from({ length: 50 }, (_, number) => post(number)),
      { method: 'POST', path: `/user/${user}/pendingMessages` }
    ])
  }
}, (error, result) => {
  if (error) throw error
  const { latency, errors, non2xx } = result
  const ns = milliseconds => Math.round(milliseconds * 1e6)
  console.log('row', result.requests.total / result.duration, ns(latency.p50), ns(latency.p99), ns(latency.max), errors + non2xx)
})
module.exports = instance
