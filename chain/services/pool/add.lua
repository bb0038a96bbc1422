-- Take transactions, each judged on its own, in the given order.
-- ARGV: now_ms, max_count, max_bytes, sender_pending, sender_queued, then for each transaction
--   record, terms (greatest tip and fee that it replaces, score), state ("" or sequence, nonce, balance, code)
-- Answer: for each transaction a code and a number that explains it.
local ADDED, KNOWN, REPLACED, UNKNOWN_SENDER, STALE_STATE = 0, 1, 2, 3, 4
local NONCE_LOW, NONCE_HIGH, FUNDS, REPLACEMENT, HAS_CODE, SENDER_LIMIT, FULL = 10, 11, 12, 13, 14, 15, 16
local now = tonumber(ARGV[1])
local max_count, max_bytes = tonumber(ARGV[2]), tonumber(ARGV[3])
local sender_pending, sender_queued = tonumber(ARGV[4]), tonumber(ARGV[5])
local sequence = tonumber(call('GET', K_SEQUENCE) or '-1')
local stored = tonumber(call('HGET', K_STATS, 'bytes') or '0')
local held = call('HLEN', K_TX)
local awake, taken = false, 0

-- what was taken and is not in the indexes yet: written all at once, and before anything reads or shortens them
local fresh, places, prices, ages = {}, {}, {}, {}
local function write_indexes()
  for first = 1, #places, CHUNK do
    local last = math.min(first + CHUNK - 1, #places)
    call('HSET', K_TX, unpack(places, first, last))
    call('ZADD', K_PRICE, unpack(prices, first, last))
    call('ZADD', K_AGE, unpack(ages, first, last))
  end
  fresh, places, prices, ages = {}, {}, {}, {}
end

-- room for one more: the cheapest leave, but only for something dearer, never of the same sender, and
-- nobody where that would not be enough
local function make_room(sender, size, score)
  write_indexes()
  local count, total = held, stored + bytes_change
  local victims, seen, left = {}, 0, {}
  while count + 1 > max_count or total + size > max_bytes do
    if #left == 0 then
      left = call('ZRANGE', K_PRICE, seen, seen + 15, 'WITHSCORES')
      if #left == 0 then return false end
      seen = seen + #left / 2
    end
    local hash, price = table.remove(left, 1), tonumber(table.remove(left, 1))
    if price >= score then return false end
    local place = call('HGET', K_TX, hash)
    local victim = load(string.sub(place, 1, 20))
    if victim == sender then return false end
    local name = string.sub(place, 21)
    victims[#victims + 1] = {victim, (unpack_bytes('>I8', name))}
    count, total = count - 1, total - call('HSTRLEN', victim.key, name)
  end
  for _, pair in ipairs(victims) do forget(pair[1], {pair[2]}) end
  held = held - #victims
  flush()
  for _, pair in ipairs(victims) do rank(pair[1]) end
  return true
end

local function take(record, terms, state)
  local hash, addr, nonce, th, tl, fh, fl, uh, ul = unpack_bytes(HEAD, record)
  if fresh[hash] or call('HEXISTS', K_TX, hash) == 1 then return KNOWN, 0 end
  local s = load(addr)
  if state ~= '' then
    local seen, at, bh, bl, code = unpack_bytes('>I8I8I6I6I1', state)
    if not s then
      if seen < sequence then return STALE_STATE, sequence end
      s = create(addr)
      settle(s, seen, at, bh, bl, code)
    elseif seen > s.sequence and seen >= sequence then
      write_indexes()
      local before = s.count
      settle(s, seen, at, bh, bl, code)
      held = held - (before - s.count)
      flush()
      rank(s)
    end
  end
  if not s then return UNKNOWN_SENDER, sequence end
  if s.code == 2 then return HAS_CODE, 0 end
  if nonce < s.nonce then return NONCE_LOW, s.nonce end
  if nonce >= s.nonce + sender_pending + sender_queued then return NONCE_HIGH, s.nonce end

  local name = field(nonce)
  -- nothing is held where the run stops
  local old = nonce ~= s.stop and call('HGET', s.key, name)
  local sh, sl = plus(s.sh, s.sl, uh, ul)
  local old_hash, oth, otl, ofh, ofl, ouh, oul, _
  if old then
    old_hash, _, _, oth, otl, ofh, ofl, ouh, oul = unpack_bytes(HEAD, old)
    sh, sl = minus(sh, sl, ouh, oul)
  end
  if above(sh, sl, s.bh, s.bl) then return FUNDS, 0 end
  local rth, rtl, rfh, rfl, score = unpack_bytes('>I6I6I6I6d', terms)
  if old then
    if above(oth, otl, rth, rtl) or above(ofh, ofl, rfh, rfl) then return REPLACEMENT, 0 end
    if stored + bytes_change + #record - #old > max_bytes then return FULL, 0 end
  else
    if nonce > s.stop then
      if s.count - (s.stop - s.nonce) >= sender_queued then return SENDER_LIMIT, s.stop end
    elseif s.stop - s.nonce >= sender_pending then
      return SENDER_LIMIT, s.stop
    end
    local full = held + 1 > max_count or stored + bytes_change + #record > max_bytes
    if full and (nonce > s.stop or not make_room(s, #record, score)) then return FULL, 0 end
  end

  if old then
    write_indexes()
    call('HDEL', K_TX, old_hash)
    call('ZREM', K_PRICE, old_hash)
    call('ZREM', K_AGE, old_hash)
    bytes_change = bytes_change - #old
  else
    s.count = s.count + 1
    held = held + 1
  end
  taken = taken + 1
  s.sh, s.sl = sh, sl
  call('HSET', s.key, name, record)
  fresh[hash] = true
  places[#places + 1], places[#places + 2] = hash, addr .. name
  prices[#prices + 1], prices[#prices + 2] = score, hash
  ages[#ages + 1], ages[#ages + 2] = now, hash
  bytes_change = bytes_change + #record
  local reached = s.stop > s.from
  if nonce == s.stop then
    if s.count - (s.stop - s.nonce) > 1 then
      extend(s)
    else
      -- nothing is held beyond it
      s.stop = s.stop + 1
      pending_change = pending_change + 1
    end
  end
  if nonce >= s.from and nonce < s.stop then
    -- the head changed, or the run has just reached it
    if nonce == s.from or not reached then
      write_indexes()
      rank(s)
    end
    awake = true
  end
  call('XADD', K_NEW, 'MAXLEN', '~', 20000, '*', 'h', hash)
  if old then return REPLACED, 0 end
  return ADDED, 0
end

local answers = {}
for i = 6, #ARGV, 3 do
  local code, number = take(ARGV[i], ARGV[i + 1], ARGV[i + 2])
  answers[#answers + 1] = code
  answers[#answers + 1] = number
  if code >= NONCE_LOW then call('HINCRBY', K_STATS, 'rejected:' .. code, 1) end
end
write_indexes()
commit(now)
if taken > 0 then call('HINCRBY', K_STATS, 'taken', taken) end
if awake then wake() end
return answers
