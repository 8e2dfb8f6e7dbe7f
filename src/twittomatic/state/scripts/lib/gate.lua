-- lib/gate: shut where to ask is useless or dear. When its time is over one goes first, and the others when he has an answer;
-- has he none, it is shut for longer: so whatever a network says, nobody hammers at it.
-- A hash {shut: ms until which nobody goes, shuts: how often in a row, prober: reservation of who goes first, probing: ms
-- until which he is waited for}, among the fields of a window, or by itself.
local FIRST, LONGEST, PROBE, LOOK = 1000, 60000, 30000, 200

-- Returns the ms to wait, 0 where one may go.
local function barred(shut, probing, now)
  if not shut then
    return 0
  elseif now < tonumber(shut) then
    return tonumber(shut) - now
  elseif probing and now < tonumber(probing) then
    return math.min(LOOK, tonumber(probing) - now)
  end
  return 0
end

local function probe(gate, reservation, now)
  redis.call('HSET', gate, 'prober', reservation, 'probing', string.format('%d', now + PROBE))
end

-- Shuts it until a time, or for longer. Many who went together shut it once: only the prober, or a first one, counts.
local function shut(gate, reservation, at, now)
  local shuts, prober = unpack(redis.call('HMGET', gate, 'shuts', 'prober'))
  if not shuts then
    shuts = 1
  elseif prober == reservation then
    shuts = math.min(tonumber(shuts) + 1, 10)
  end
  at = math.max(at, now + math.min(FIRST * 2 ^ (tonumber(shuts) - 1), LONGEST))
  redis.call('HSET', gate, 'shut', string.format('%d', at), 'shuts', shuts)
  if prober == reservation then
    redis.call('HDEL', gate, 'prober', 'probing')
  end
  return at
end

-- What became of a request: if it was the prober's, an answer opens the gate, and anything else lets another one try.
local function tell(gate, reservation, answered, prober)
  if prober ~= reservation then
    return
  elseif answered then
    redis.call('HDEL', gate, 'shut', 'shuts', 'prober', 'probing')
  else
    redis.call('HDEL', gate, 'prober', 'probing')
  end
end
