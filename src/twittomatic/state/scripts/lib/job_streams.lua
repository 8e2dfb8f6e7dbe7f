-- lib/job_streams: creates the job streams, and distinguishes one that vanished from one that never existed.
-- The crawl hash has a field `made:<queue>` for each stream that was created.
-- Returns the first queue whose stream vanished with its jobs; nothing when all exist. Cost: two commands a queue.
local function lost_stream(crawl, jobs, queues_of)
  for _, queue in ipairs(queues_of) do
    local stream, made = jobs .. queue, redis.call('HEXISTS', crawl, 'made:' .. queue) == 1
    if redis.call('EXISTS', stream) == 0 then
      if made then
        return queue
      end
      redis.call('XGROUP', 'CREATE', stream, 'workers', '0', 'MKSTREAM')
    end
    if not made then
      redis.call('HSET', crawl, 'made:' .. queue, 1)
    end
  end
end
