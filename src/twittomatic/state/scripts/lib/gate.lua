-- lib/gate: a gate is shut while asking is useless or expensive. When its time is over one request probes, and the others
-- follow once it is answered; if it fails, the gate is shut for longer. So no network is hammered, whatever it answers.
-- A hash {shut: ms until which no request goes, shuts: how often in a row, prober: reservation of the probing request,
-- probing: ms until which its answer is awaited}, among the fields of a window, or on its own.
local FIRST, LONGEST, PROBE, LOOK = 1000, 60000, 30000, 200

-- Returns the ms to wait, 0 when a request may go.
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

-- Shuts it until a time, or for longer. Requests that went together shut it once: only the prober, or the first, counts.
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

-- Records the outcome of a request: the prober's answer opens the gate; its failure lets another one probe.
local function tell(gate, reservation, answered, prober)
  if prober ~= reservation then
    return
  elseif answered then
    redis.call('HDEL', gate, 'shut', 'shuts', 'prober', 'probing')
  else
    redis.call('HDEL', gate, 'prober', 'probing')
  end
end
