-- ledger/settle: books what a request really cost, and what its answer said about the window.
-- KEYS  1 ledger  2 reservations  3 window  4 clock of the network  5 gate of the endpoint's answers
--       6 set of a sample of the ids delivered that day and 7 hash of how many were (both or none)
-- ARGV  1 reservation  2 cost in micro-dollars, or '' when the answer is lost: the whole reservation is spent
--       3 requests of the window  4 requests left  5 when it opens again, in ms of the network's clock, and 6 the time
--       of that clock, '' for each if unknown  7 ms since that clock was read
--       8 whether there was an answer, 1 or 0
--       9 the sample of the ids delivered, 8 bytes each  10 micro-dollars for each id delivered, and 11 how many
-- Returns 1, or 0 when the reservation was settled before.
-- Invariant: spent + reserved never grows here, unless the answer cost more than was reserved.
-- Twice is harmless: the reservation is gone. Cost: linear in the sample, 0.1 ms for 200.
-- use lib/window
-- use lib/ledger
-- use lib/gate
local LOST = 3 -- answers in a row, before one request probes alone: each is a whole page of money
local reservation = redis.call('HGET', KEYS[2], ARGV[1])
if not reservation then
  return 0
end
local cost = ARGV[2] ~= '' and tonumber(ARGV[2]) or tonumber(string.match(reservation, '^%d+'))
local expected = cost
if KEYS[6] then -- the network charges for each id once a day
  local ids, picked, count = {}, #ARGV[9] / 8, tonumber(ARGV[11])
  for i = 1, picked do
    ids[i] = string.sub(ARGV[9], 8 * i - 7, 8 * i)
  end
  for i = 1, picked, 1000 do
    redis.call('SADD', KEYS[6], unpack(ids, i, math.min(i + 999, picked)))
  end
  local delivered = redis.call('HINCRBY', KEYS[7], 'delivered', count)
  local sampled = redis.call('HINCRBY', KEYS[7], 'sampled', picked)
  -- Five times the sample, corrected by how many more came than a sample of a fifth stands for: in full when no id came
  -- twice, which makes it exact, and less the more came again, since a few frequent ids cause that noise.
  local distinct = redis.call('SCARD', KEYS[6])
  local share = sampled > 0 and distinct / sampled or 1
  local total = 5 * distinct + share * share * (delivered - 5 * sampled)
  local charged = tonumber(redis.call('HGET', KEYS[7], 'charged') or 0)
  local new = math.max(0, math.min(math.floor(total + 0.5) - charged, count))
  redis.call('HINCRBY', KEYS[7], 'charged', new)
  for i = 6, 7 do
    redis.call('EXPIRE', KEYS[i], 3 * 86400)
  end
  expected = cost - (count - new) * tonumber(ARGV[10])
end
book(KEYS[1], KEYS[2], ARGV[1], cost, expected)

local answered = ARGV[8] == '1'
local lost, asker = unpack(redis.call('HMGET', KEYS[5], 'lost', 'prober'))
if ARGV[2] == '' then
  if redis.call('HINCRBY', KEYS[5], 'lost', 1) >= LOST then
    local now = now_ms()
    shut(KEYS[5], ARGV[1], now, now)
  end
else
  if answered and lost then
    redis.call('HDEL', KEYS[5], 'lost')
  end
  tell(KEYS[5], ARGV[1], answered, asker)
end
tell(KEYS[3], ARGV[1], answered, redis.call('HGET', KEYS[3], 'prober'))

local flying = redis.call('HINCRBY', KEYS[3], 'flying', -1)
if flying < 0 then -- it was sent in an earlier window
  flying = 0
  redis.call('HSET', KEYS[3], 'flying', 0)
end
local at = ARGV[3] ~= '' and opens(KEYS[4], ARGV[5], ARGV[6], ARGV[7])
if at then
  local limit, left, stated_at = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
  local used, reset, before, guessed = unpack(redis.call('HMGET', KEYS[3], 'used', 'reset', 'told', 'guessed'))
  -- Answers overtake each other: within a window the greatest use counts, and an earlier window's answer not at all.
  if not before or stated_at > tonumber(before) then
    used = limit - left + flying
  elseif stated_at == tonumber(before) and guessed ~= '1' then
    used = math.max(tonumber(used or 0), limit - left)
    at = math.min(at, tonumber(reset)) -- the more answers, the better its clock is known
  else
    used = nil -- the answer's window is over, and another one was opened
  end
  if used then
    redis.call('HSET', KEYS[3], 'limit', limit, 'used', used, 'reset', string.format('%d', at), 'told', ARGV[5],
      'guessed', 0)
  end
end
return 1
