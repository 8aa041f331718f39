-- Settles token buckets: KEYS are buckets; for each, ARGV has step in microseconds, size, spent, returned, wanted.
-- Answers, for each: tokens granted, and in how many microseconds the bucket is full. The rule is docs/throttling.md's.
-- A bucket is the time at which it is full again, by this server's clock; its key expires then.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local answers = {}
for place, key in ipairs(KEYS) do
    local at = (place - 1) * 5
    local step, size = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
    local spent, returned, wanted = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
    local full_at = tonumber(redis.call('GET', key) or now)
    full_at = math.max(full_at - returned * step, now) + spent * step
    full_at = math.min(full_at, now + 2 * size * step)
    local room = math.floor((now + size * step - full_at) / step)
    local granted = math.max(0, math.min(wanted, room))
    full_at = full_at + granted * step
    if full_at > now then
        -- '%.0f': a number of this size would otherwise be written with an exponent
        redis.call('SET', key, string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000))
    else
        redis.call('DEL', key)
    end
    answers[place * 2 - 1] = granted
    answers[place * 2] = full_at - now
end
return answers
