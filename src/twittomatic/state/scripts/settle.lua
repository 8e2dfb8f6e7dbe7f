-- settle: what a request really cost, and what its answer said of the window.
-- KEYS  1 ledger  2 reservations  3 window
-- ARGV  1 reservation  2 cost in micro-dollars, or '' to count the whole reservation as spent
--       3 requests of the window  4 requests left  5 when it opens anew, ms since the epoch ('' for each if unknown)
--       6.. fields of the ledger that the cost is also added to
-- Returns the micro-dollars spent by all, or -1 when the reservation was settled before.
-- Invariant: spent + reserved never grows here, unless the answer cost more than was put aside.
-- Twice is harmless: the reservation is gone. Cost: constant.
local standing = redis.call('HGET', KEYS[2], ARGV[1])
if not standing then
  return -1
end
redis.call('HDEL', KEYS[2], ARGV[1])
local amount = tonumber(string.match(standing, '^%d+'))
local cost = ARGV[2] == '' and amount or tonumber(ARGV[2])
redis.call('HINCRBY', KEYS[1], 'reserved', -amount)
local spent = redis.call('HINCRBY', KEYS[1], 'spent', cost)
for i = 6, #ARGV do
  redis.call('HINCRBY', KEYS[1], ARGV[i], cost)
end
local flying = redis.call('HINCRBY', KEYS[3], 'flying', -1)
if flying < 0 then -- it was sent in a window that is over
  flying = 0
  redis.call('HSET', KEYS[3], 'flying', 0)
end
if ARGV[3] ~= '' then
  local limit, left, reset = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
  local known = tonumber(redis.call('HGET', KEYS[3], 'reset') or 0)
  local used = tonumber(redis.call('HGET', KEYS[3], 'used') or 0)
  -- Answers overtake each other: within a window the greatest use counts, and an older window's answer not at all.
  if redis.call('HGET', KEYS[3], 'told') == ARGV[5] then
    if known == reset then
      used = math.max(used, limit - left)
    else
      limit = nil -- the window that it tells of is over, and another one was opened
    end
  elseif reset > tonumber(redis.call('HGET', KEYS[3], 'told') or 0) then
    used = limit - left + flying
    known = reset
  else
    limit = nil
  end
  if limit then
    redis.call('HSET', KEYS[3], 'limit', limit, 'used', used, 'reset', string.format('%d', known),
      'told', ARGV[5])
  end
end
return spent
