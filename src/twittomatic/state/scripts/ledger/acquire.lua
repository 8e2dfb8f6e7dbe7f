-- ledger/acquire: grants one request: a permit of a window, and a reservation of the money that it may cost.
-- KEYS  1 ledger  2 reservations  3 rejected credentials  4 caps  5 gate of the endpoint's answers
--       6.. window of each credential on this endpoint
-- ARGV  1 reservation  2 budget in micro-dollars, '' for none  3 crawl whose cap counts instead, if it has one, or ''
--       4 price of one resource  5 resources wanted  6 the fewest that make sense
--       7 ms after which an unsettled reservation counts as spent  8 fields of the ledger to charge, a line each
--       9 identity of the ledger
--       10.. name of each credential, requests of its window and the ms of it, as documented
-- Returns {'go', credential's index, resources granted}, {'wait', ms}, {'money', micro-dollars left}, {'nobody'},
-- or {'gone', what} when the ledger or a window vanished: then nothing is granted any more.
-- Invariant: spent + reserved never exceeds the present cap; a window never gives more permits than it has.
-- Twice is harmless: an existing reservation is granted again, unchanged. Cost: one HMGET per credential; when money
-- is short, linear in the reservations.
-- use lib/time
-- use lib/ledger
-- use lib/gate
local FIRST_WINDOW, FIRST_NAME = 6, 10
local ledger, reservations = KEYS[1], KEYS[2]
local now = now_ms()
if redis.call('HGET', ledger, 'id') ~= ARGV[9] then
  return { 'gone', 'ledger' }
end
local reservation = redis.call('HGET', reservations, ARGV[1])
if reservation then
  local index, size = string.match(reservation, '^%d+:%d+:%d+:(%d+):(%d+)')
  return { 'go', tonumber(index), tonumber(size) }
end

local best, most, soonest, alive, bar = nil, 0, nil, false, nil
for i = FIRST_WINDOW, #KEYS do
  local name = FIRST_NAME + 3 * (i - FIRST_WINDOW)
  if redis.call('HEXISTS', KEYS[3], ARGV[name]) == 0 then
    alive = true
    local limit, used, resets, closed, probing =
      unpack(redis.call('HMGET', KEYS[i], 'limit', 'used', 'reset', 'shut', 'probing'))
    local wait, left = barred(closed, probing, now), nil
    if not resets and not closed and redis.call('HEXISTS', ledger, KEYS[i]) == 1 then
      return { 'gone', 'window' }
    end
    if wait > 0 then
      left, resets = 0, now + wait
    elseif not resets or now >= tonumber(resets) then
      left = tonumber(limit or ARGV[name + 1])
    else
      left = tonumber(limit) - tonumber(used)
    end
    left = closed and math.min(left, 1) or left
    if left > most then
      best, most, bar = i, left, closed
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

local price, size = tonumber(ARGV[4]), tonumber(ARGV[5])
local closed, probing
if price > 0 then
  local cap = ARGV[3] ~= '' and redis.call('HGET', KEYS[4], ARGV[3])
  cap = cap and string.match(cap, ':(%d*)') or not cap and ARGV[2] or ''
  if cap ~= '' then
    local spent, reserved = unpack(redis.call('HMGET', ledger, 'spent', 'reserved'))
    local left = tonumber(cap) - tonumber(spent or 0) - tonumber(reserved or 0)
    if left < price * size then
      -- A request in flight may return money: soon, if it was sent just now; the longer it is out, the longer the wait,
      -- until it expires.
      local youngest, ends = sweep(ledger, reservations, now)
      if youngest then
        local wait = math.ceil(math.max(20, math.min((now - youngest) / 2, ends - now, 5000)))
        redis.call('HSET', ledger, 'awaited', string.format('%d', now + wait + 1000))
        return { 'wait', wait }
      end
      size = math.floor(left / price)
      if size < tonumber(ARGV[6]) then
        return { 'money', left }
      end
    end
  end
  closed, probing = unpack(redis.call('HMGET', KEYS[5], 'shut', 'probing'))
  local wait = barred(closed, probing, now)
  if wait > 0 then
    return { 'wait', wait }
  end
end

local name = FIRST_NAME + 3 * (best - FIRST_WINDOW)
local limit, resets = unpack(redis.call('HMGET', KEYS[best], 'limit', 'reset'))
if not resets or now >= tonumber(resets) then
  redis.call('HSET', ledger, KEYS[best], 1)
  redis.call('HSET', KEYS[best], 'limit', limit or ARGV[name + 1], 'used', 1, 'flying', 1, 'guessed', 1,
    'reset', string.format('%d', now + tonumber(ARGV[name + 2])))
else
  redis.call('HINCRBY', KEYS[best], 'used', 1)
  redis.call('HINCRBY', KEYS[best], 'flying', 1)
end
if bar then
  probe(KEYS[best], ARGV[1], now)
end
if closed then
  probe(KEYS[5], ARGV[1], now)
end
redis.call('HINCRBY', ledger, 'reserved', price * size)
redis.call('HSET', reservations, ARGV[1], string.format('%d:%d:%d:%d:%d\n%s', price * size, now,
  now + tonumber(ARGV[7]), best - FIRST_WINDOW, size, ARGV[8]))
return { 'go', best - FIRST_WINDOW, size }
