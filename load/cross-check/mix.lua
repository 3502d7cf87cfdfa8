-- The chat's clients for wrk: each of its threads, which has one connection, is one of the users that run.py has made. It looks at its user,
-- posts fifty messages and fetches what waits for it, over and over.

local threads = 0

function setup(thread)
  thread:set("user", "w" .. threads)
  threads = threads + 1
end

function init()
  local text = { ["Content-Type"] = "text/plain; charset=utf-8" }
  local look = wrk.format("GET", "/user/" .. user)
  local fetch = wrk.format("POST", "/user/" .. user .. "/pendingMessages")
  local step, posted = -1, 0
  function request()
    step = (step + 1) % 52
    if step == 0 then return look end
    if step == 51 then return fetch end
    posted = posted + 1
    return wrk.format("POST", "/room/hall/" .. user, text, "message " .. posted .. " from " .. user)
  end
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  print(string.format("row %f %d %d %d %d", summary.requests * 1e6 / summary.duration, latency:percentile(50) * 1000,
    latency:percentile(99) * 1000, latency.max * 1000, failed))
end
