/**
 * Takes tokens of several buckets in one step, inside the store. The same as `ModelStore` in packages/access, which a test
 * holds it to. The time is the store's own: gateways' clocks differ, and one that is ahead would give tokens that are not due.
 *
 * KEYS: when this server began to keep limits, then the buckets. ARGV: for each bucket capacity, gain, need, want and debt
 * in nanotokens, which are below 2^53 and so exact in Lua's doubles.
 *
 * A bucket that is not there is as full as its rate could have filled it since the server began: one that lost what it kept
 * begins empty, and gives nothing a second time. A bucket goes when it would be full. A server that drops keys for want of
 * memory would break that; `noeviction` is required.
 */
export const takeScript = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local began = redis.call('GET', KEYS[1])
if not began then
  redis.call('SET', KEYS[1], string.format('%.0f', now))
  began = now
end
local count = #KEYS - 1
local levels, times, met = {}, {}, true
for n = 1, count do
  local at = (n - 1) * 5
  local capacity, gain, need, debt = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 5])
  local kept = redis.call('HMGET', KEYS[n + 1], 'l', 't')
  local level, since = tonumber(kept[1] or 0), tonumber(kept[2] or began)
  level = math.min(capacity, level + math.max(0, now - since) * gain)
  level = math.max(-capacity, level - debt)
  levels[n], times[n] = level, math.max(since, now)
  if level < need then met = false end
end
local answer = {}
for n = 1, count do
  local at = (n - 1) * 5
  local capacity, gain, need, want = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  local taken = met and math.max(0, math.min(want, levels[n])) or 0
  local left = levels[n] - taken
  redis.call('HSET', KEYS[n + 1], 'l', string.format('%.0f', left), 't', string.format('%.0f', times[n]))
  redis.call('PEXPIRE', KEYS[n + 1], math.ceil((capacity - left) / gain / 1000) + 1000)
  answer[#answer + 1] = string.format('%.0f', taken)
  answer[#answer + 1] = string.format('%.0f', left)
  answer[#answer + 1] = string.format('%.0f', math.max(0, math.ceil((need - levels[n]) / gain)))
end
return answer
`
