-- lib/ledger: settles a reservation: adds its cost to `spent` and to each ledger field named when it was reserved.
-- A reservation is `micro-dollars:ms when it was made:ms when it expires:credential's index:resources`, followed by a
-- line for each field.
local function book(ledger, reservations, name, cost, expected)
  local amount, fields = string.match(redis.call('HGET', reservations, name), '^(%d+)[^\n]*\n?(.*)$')
  redis.call('HDEL', reservations, name)
  if redis.call('EXISTS', ledger) == 0 then -- it vanished; a new one must not look like the old one
    return
  end
  redis.call('HINCRBY', ledger, 'reserved', -tonumber(amount))
  if cost == 0 then
    return
  end
  redis.call('HINCRBY', ledger, 'spent', cost)
  redis.call('HINCRBY', ledger, 'expected', expected)
  for field in string.gmatch(fields, '[^\n]+') do
    redis.call('HINCRBY', ledger, field, cost)
    redis.call('HINCRBY', ledger, 'expected:' .. field, expected)
  end
end

-- Books as spent what nobody settled in time, and what was reserved by reservations that vanished. Returns when the
-- youngest of the others was made, and when the first of them expires; nothing when there is none.
local function sweep(ledger, reservations, now)
  local youngest, soonest
  local known = 0
  local all = redis.call('HGETALL', reservations)
  for i = 1, #all, 2 do
    local amount, began, ends = string.match(all[i + 1], '^(%d+):(%d+):(%d+)')
    began, ends = tonumber(began), tonumber(ends)
    if now < ends then
      known = known + tonumber(amount)
      youngest, soonest = math.max(youngest or began, began), math.min(soonest or ends, ends)
    else
      book(ledger, reservations, all[i], tonumber(amount), tonumber(amount))
    end
  end
  local vanished = tonumber(redis.call('HGET', ledger, 'reserved') or 0) - known
  if vanished > 0 then
    redis.call('HINCRBY', ledger, 'reserved', -vanished)
    redis.call('HINCRBY', ledger, 'spent', vanished)
    redis.call('HINCRBY', ledger, 'expected', vanished)
  end
  return youngest, soonest
end
