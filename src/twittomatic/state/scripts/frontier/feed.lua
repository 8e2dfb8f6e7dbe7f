-- frontier/feed: moves targets from the frontier to the job streams, queues delayed jobs that are due, and detects the
-- end of the crawl.
-- KEYS  1 leader hash  2 crawl hash  3 prefix of the frontier  4 counters  5 prefix of the job streams
--       6 prefix of the job hashes  7 delayed  8 events
-- ARGV  1 name of the master  2 its epoch  3 bfs, dfs or priority  4 MAX_DEPTH
--       5 low-water mark: feed while some module has fewer ready jobs than this
--       6 high-water mark: never exceed this many ready jobs of any module
--       7 number of modules that a target begins with, then those, then the other modules of the crawl
-- Returns {-1} when another master leads, {-2, queue} when the stream of a queue vanished with its jobs, else
-- {targets moved, jobs ready, jobs leased, jobs delayed, phase}.
-- Invariant: a target leaves the frontier in the same step in which its jobs enter the streams, and the phase
-- becomes `finished` only when no job and no target within MAX_DEPTH is left.
-- Twice is harmless: the second call feeds more. Cost: proportional to the targets moved, at most 1,000.
-- use lib/leader
-- use lib/jobs
-- use lib/time
-- use lib/event
-- use lib/dead_delayed
-- use lib/job_streams
local frontier, jobs, job = KEYS[3], KEYS[5], KEYS[6]
if not leads(KEYS[1], ARGV[1], ARGV[2]) then
  return { -1 }
end
local order, deepest, low, high = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local first, modules = {}, {}
for i = 8, #ARGV do
  modules[#modules + 1] = ARGV[i]
  if i < 8 + tonumber(ARGV[7]) then
    first[#first + 1] = ARGV[i]
  end
end

for _, module in ipairs(modules) do -- before the first job: without its group a stream cannot be counted
  local lost = lost_stream(KEYS[2], jobs, queues(module))
  if lost then
    return { -2, lost }
  end
end

local phase, seeding = unpack(redis.call('HMGET', KEYS[2], 'phase', 'seeding'))

for _, due in ipairs(redis.call('ZRANGEBYSCORE', KEYS[7], 0, now_ms(), 'LIMIT', 0, 1000)) do
  local module, user = string.match(due, '^(%a+):(%d+)$')
  requeue(jobs, job, module, user)
  hasten(KEYS[7], due)
end

local ready, leased, least, most = 0, 0, math.huge, 0
for i, module in ipairs(modules) do
  local length, pending = 0, 0
  for _, queue in ipairs(queues(module)) do
    local here = redis.call('XLEN', jobs .. queue)
    length, pending = length + here, pending + (here > 0 and redis.call('XPENDING', jobs .. queue, 'workers')[1] or 0)
  end
  ready, leased = ready + length - pending, leased + pending
  if i <= #first then
    least, most = math.min(least, length - pending), math.max(most, length - pending)
  end
end

-- Takes one target from the depth that the order names; a depth that is empty is removed.
local function best_depth()
  if order ~= 'priority' then
    local found
    if order == 'dfs' then
      found = redis.call('ZREVRANGEBYSCORE', frontier .. 'depths', deepest, 0, 'LIMIT', 0, 1)
    else
      found = redis.call('ZRANGEBYSCORE', frontier .. 'depths', 0, deepest, 'LIMIT', 0, 1)
    end
    return found[1]
  end
  local depth, score
  for _, candidate in ipairs(redis.call('ZRANGEBYSCORE', frontier .. 'depths', 0, deepest)) do
    local top = redis.call('ZRANGE', frontier .. 'rank:' .. candidate, 0, 0, 'REV', 'WITHSCORES')
    local value = top[2] and tonumber(top[2]) or -math.huge -- a list has no scores: last
    if not depth or value > score then
      depth, score = candidate, value
    end
  end
  return depth
end

local function pop(depth)
  local list, rank = frontier .. 'list:' .. depth, frontier .. 'rank:' .. depth
  local user
  if order == 'priority' then
    user = redis.call('ZPOPMAX', rank)[1] or redis.call('LPOP', list)
  elseif order == 'dfs' then
    user = redis.call('RPOP', list) or redis.call('ZPOPMAX', rank)[1]
  else
    user = redis.call('LPOP', list) or redis.call('ZPOPMAX', rank)[1]
  end
  if not user then
    redis.call('ZREM', frontier .. 'depths', depth)
  end
  return user
end

local moved = 0
if phase == 'running' then
  while moved < 1000 and least < low and most < high do
    local depth = best_depth()
    if not depth then
      break
    end
    local entry = pop(depth)
    if entry then
      local user, address = split(entry)
      moved = moved + 1
      for _, module in ipairs(first) do
        if enqueue(jobs, job, module, user, depth, address) then
          ready = ready + 1
        end
      end
      least, most = least + 1, most + 1
    end
  end
  if moved > 0 then
    redis.call('HINCRBY', KEYS[4], 'targets', moved)
  end
end

local delayed = redis.call('ZCARD', KEYS[7])
if phase == 'running' and seeding ~= '1' and moved == 0 and ready + leased + delayed == 0 and not best_depth() then
  phase = 'finished'
  redis.call('HSET', KEYS[2], 'phase', phase)
  announce(KEYS[8], '{"type":"CrawlFinished"}')
end
return { moved, ready, leased, delayed, phase or '' }
