-- acquire: the right to one request: a permit of a window, and money that is put aside for it.
-- KEYS  1 ledger  2 reservations  3 rejected credentials  4.. window of each credential on this endpoint
-- ARGV  1 reservation  2 budget in micro-dollars, '' for none  3 price of one resource  4 resources wanted
--       5 the fewest that make sense  6 ms after which a reservation that nobody settled is spent
--       7.. name of each credential, requests of its window and the ms of it, as documented
-- Returns {'go', credential's index, resources granted}, {'wait', ms}, {'money', micro-dollars left, put aside},
-- or {'nobody'}.
-- Invariant: spent + reserved <= budget, always; a window never gives more permits than it has.
-- Twice is harmless: a reservation that stands is granted again, as it was. Cost: one HMGET per credential.
-- use queue
local ledger, reservations = KEYS[1], KEYS[2]
local now = now_ms()
local standing = redis.call('HGET', reservations, ARGV[1])
if standing then
  local _, _, index, size = string.find(standing, '^%d+:%d+:(%d+):(%d+)$')
  return { 'go', tonumber(index), tonumber(size) }
end

local best, most, soonest, alive = nil, 0, nil, false
for i = 4, #KEYS do
  if redis.call('HEXISTS', KEYS[3], ARGV[3 * i - 5]) == 0 then
    alive = true
    local limit, used, resets = unpack(redis.call('HMGET', KEYS[i], 'limit', 'used', 'reset'))
    local left
    if not resets or now >= tonumber(resets) then
      left = tonumber(limit or ARGV[3 * i - 4])
    else
      left = tonumber(limit) - tonumber(used)
    end
    if left > most then
      best, most = i, left
    elseif left <= 0 and (not soonest or tonumber(resets) < soonest) then
      soonest = tonumber(resets)
    end
  end
end
if not alive then
  return { 'nobody' }
end
if not best then
  return { 'wait', (soonest or now + 1000) - now }
end

local price, size = tonumber(ARGV[3]), tonumber(ARGV[4])
if price > 0 and ARGV[2] ~= '' then
  local spent, reserved = unpack(redis.call('HMGET', ledger, 'spent', 'reserved'))
  local left = tonumber(ARGV[2]) - tonumber(spent or 0) - tonumber(reserved or 0)
  if left < price * size then
    local waiting = false -- for a request in flight, which may give money back
    for name, text in pairs(redis.call('HGETALL', reservations)) do
      local _, _, began = string.find(text, '^%d+:(%d+):')
      waiting = waiting or (began and now - tonumber(began) < tonumber(ARGV[6]))
    end
    if waiting then
      return { 'wait', 20 }
    end
    size = math.floor(left / price)
    if size < tonumber(ARGV[5]) then
      return { 'money', left, tonumber(reserved or 0) }
    end
  end
end

local limit, resets = unpack(redis.call('HMGET', KEYS[best], 'limit', 'reset'))
if not resets or now >= tonumber(resets) then
  redis.call('HSET', KEYS[best], 'limit', limit or ARGV[3 * best - 4], 'used', 1, 'flying', 1, 'guessed', 1,
    'reset', string.format('%d', now + tonumber(ARGV[3 * best - 3])))
else
  redis.call('HINCRBY', KEYS[best], 'used', 1)
  redis.call('HINCRBY', KEYS[best], 'flying', 1)
end
redis.call('HINCRBY', ledger, 'reserved', price * size)
redis.call('HSET', reservations, ARGV[1], string.format('%d:%d:%d:%d', price * size, now, best - 4, size))
return { 'go', best - 4, size }
