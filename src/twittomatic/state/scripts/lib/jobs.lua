-- lib/jobs: puts a job on its stream, and removes it again.
-- A job is a hash, `job:<module>:<user id>` {depth, address, attempts, crashes, history, checkpoint}, which lives until
-- the job is completed, and an entry {u: user id, d: depth, a: address, if there is one}. The entry of a new job is in the
-- stream `jobs:<module>`; that of a job that was released or taken is in `jobs:<module>:again`, which workers read first.
-- These two are the job's queues.
local function queues(module)
  return { module .. ':again', module }
end

-- A user in the frontier is `<user id>` or `<user id> <address>`.
local function split(entry)
  local user, address = string.match(entry, '^(%d+) (.*)$')
  return user or entry, address
end

local function add_entry(stream, user, depth, address)
  if address then
    redis.call('XADD', stream, '*', 'u', user, 'd', depth, 'a', address)
  else
    redis.call('XADD', stream, '*', 'u', user, 'd', depth)
  end
end

local function enqueue(jobs, job, module, user, depth, address)
  local hash = job .. module .. ':' .. user
  if redis.call('HSETNX', hash, 'depth', depth) == 0 then
    return false
  end
  if address then
    redis.call('HSET', hash, 'address', address)
  end
  add_entry(jobs .. module, user, depth, address)
  return true
end

local function requeue(jobs, job, module, user)
  local depth, address = unpack(redis.call('HMGET', job .. module .. ':' .. user, 'depth', 'address'))
  if depth then
    add_entry(jobs .. module .. ':again', user, depth, address)
  end
end

-- Adds a failed try to a job's history: lines of JSON, the newest last, 20 at most.
local function remember(hash, try)
  local history = redis.call('HGET', hash, 'history')
  history = history and history .. '\n' .. try or try
  if select(2, string.gsub(history, '\n', '')) >= 20 then
    history = string.match(history, '\n(.*)$')
  end
  redis.call('HSET', hash, 'history', history)
  return history
end

local function drop(stream, entry)
  redis.call('XACK', stream, 'workers', entry)
  redis.call('XDEL', stream, entry)
end
