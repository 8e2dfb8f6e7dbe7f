-- queue: puts a job on its stream, and takes it from there again.
-- A job is a hash, `job:<module>:<user id>` {depth, attempts, crashes, checkpoint}, which lives until the job is
-- completed, and an entry {u: user id, d: depth, r: 1 when the hash holds more than that} in `jobs:<module>`.
local function enqueue(jobs, job, module, user, depth)
  local hash = job .. module .. ':' .. user
  if redis.call('HSETNX', hash, 'depth', depth) == 0 then
    return false
  end
  redis.call('XADD', jobs .. module, '*', 'u', user, 'd', depth)
  return true
end

local function requeue(jobs, job, module, user)
  local depth = redis.call('HGET', job .. module .. ':' .. user, 'depth')
  if depth then
    redis.call('XADD', jobs .. module, '*', 'u', user, 'd', depth, 'r', 1)
  end
end

local function drop(stream, entry)
  redis.call('XACK', stream, 'workers', entry)
  redis.call('XDEL', stream, entry)
end

local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
