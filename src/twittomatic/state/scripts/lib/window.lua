-- lib/window: converts the time at which a window opens from the network's clock to the server's.
-- use lib/time
local ERA, FARTHEST, LATEST, MARGIN = 900000, 90000000, 60000, 200
-- An answer's Date is a whole second that had begun when it was written, before it arrived: so the network's clock
-- is ahead of ours by `date - arrival` at least, and the greatest of many such differences comes close to the truth.
-- It is kept for this quarter of an hour and the one before. A difference that is seconds smaller means that a clock
-- was set, or an answer that was long under way: it counts until a greater one comes.
local function ahead(key, date, age, now)
  local era = math.floor(now / ERA)
  local found = redis.call('HMGET', key, 'era', 'current', 'before')
  local current, before = tonumber(found[2]), tonumber(found[3])
  if found[1] and tonumber(found[1]) ~= era then
    before = tonumber(found[1]) == era - 1 and current or nil
    current = nil
  end
  local known = math.max(current or before or 0, before or current or 0)
  if date ~= '' then
    local sample = tonumber(date) - (now - tonumber(age))
    if not (current or before) or sample < known - 5000 then
      current, before = sample, nil
    else
      current = math.max(current or sample, sample)
    end
    known = math.max(current, before or current)
    redis.call('DEL', key)
    redis.call('HSET', key, 'era', era, 'current', string.format('%d', current))
    if before then
      redis.call('HSET', key, 'before', string.format('%d', before))
    end
  end
  return known
end

-- Returns ms since the epoch, at the latest; nothing when the numbers make no sense, such as a reset that was past when
-- it was sent.
local function opens(key, reset, date, age)
  local now = now_ms()
  local at = tonumber(reset) - ahead(key, date, age, now) + MARGIN
  if at < now - LATEST or at > now + FARTHEST or date ~= '' and tonumber(reset) < tonumber(date) then
    return nil
  end
  return at
end
