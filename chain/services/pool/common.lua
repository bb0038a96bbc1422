-- What every script shares.  KEYS[1] is the prefix; amounts are wei as two 48-bit limbs (high, low),
-- because Lua counts in doubles.
--   <p>tx      hash      transaction hash -> sender (20 bytes) .. nonce (8 bytes)
--   <p>s:<a>   hash      of one sender: nonce (8 bytes) -> record
--   <p>states  hash      sender -> its state on the chain and its sums in the pool
--   <p>ready   zset      sender -> tip of its next transaction that no merged block holds
--   <p>line    zset      sender -> arrival of that transaction
--   <p>boost   zset      sender -> its tip, less TIME_WEIGHT for each ms of its arrival
--   <p>ranked  string    line and boost are kept: a policy that needs them was asked for lately
--   <p>price   zset      transaction -> effective tip on arrival
--   <p>age     zset      transaction -> arrival in ms
--   <p>senders set       senders with transactions
--   <p>idle    zset      senders without -> since when, in ms
--   <p>flying  set       senders with transactions in merged blocks
--   <p>stats   hash      bytes, pending, taken (ever), rejected:<code>
--   <p>sequence string   of the last commit that the pool has seen
--   <p>wake    list      at most one token: something became executable
--   <p>new     stream    h: hashes of the newest transactions, for those who watch
local P = KEYS[1]
local K_TX, K_READY, K_PRICE, K_AGE = P .. 'tx', P .. 'ready', P .. 'price', P .. 'age'
local K_SENDERS, K_IDLE, K_FLYING = P .. 'senders', P .. 'idle', P .. 'flying'
local K_STATES, K_STATS, K_SEQUENCE, K_WAKE = P .. 'states', P .. 'stats', P .. 'sequence', P .. 'wake'
local K_NEW, K_LINE, K_BOOST, K_RANKED = P .. 'new', P .. 'line', P .. 'boost', P .. 'ranked'
-- what one call may carry: Lua's stack bounds it
local CHUNK = 4000
local LIMB = 281474976710656
local STATE = '>I8I8I8I8I4I1I6I6I6I6'
local HEAD = '>c32c20I8I6I6I6I6I6I6I8I8I1'
-- where a record has its arrival
local ARRIVAL = 97
local call, pack, unpack_bytes = redis.call, struct.pack, struct.unpack

local ranked = call('EXISTS', K_RANKED) == 1
local touched, order, gone = {}, {}, {}
local bytes_change, pending_change = 0, 0

-- stop: the first nonce missing after the executable run; from: the first one not in a merged block
local function read(addr, raw)
  local s = {addr = addr, key = P .. 's:' .. addr}
  s.sequence, s.nonce, s.stop, s.from, s.count, s.code, s.bh, s.bl, s.sh, s.sl = unpack_bytes(STATE, raw)
  s.had = s.count
  touched[addr] = s
  order[#order + 1] = s
  return s
end

local function load(addr)
  local s = touched[addr]
  if s then return s end
  local raw = call('HGET', K_STATES, addr)
  return raw and read(addr, raw) or nil
end

local function create(addr)
  local s = {addr = addr, key = P .. 's:' .. addr, sequence = 0, nonce = 0, stop = 0, from = 0, count = 0, code = 0}
  s.bh, s.bl, s.sh, s.sl, s.had = 0, 0, 0, 0, -1
  touched[addr] = s
  order[#order + 1] = s
  return s
end

local function field(nonce) return pack('>I8', nonce) end

local function above(ah, al, bh, bl) return ah > bh or (ah == bh and al > bl) end

local function plus(ah, al, bh, bl)
  local high, low = ah + bh, al + bl
  if low >= LIMB then return high + 1, low - LIMB end
  return high, low
end

local function minus(ah, al, bh, bl)
  local high, low = ah - bh, al - bl
  if low < 0 then return high - 1, low + LIMB end
  return high, low
end

-- lengthen the executable run over what is already there
local function extend(s)
  local before = s.stop
  while call('HEXISTS', s.key, field(s.stop)) == 1 do s.stop = s.stop + 1 end
  pending_change = pending_change + s.stop - before
end

-- take what was forgotten out of the indexes, all at once
local function flush()
  for first = 1, #gone, CHUNK do
    local last = math.min(first + CHUNK - 1, #gone)
    call('HDEL', K_TX, unpack(gone, first, last))
    call('ZREM', K_PRICE, unpack(gone, first, last))
    call('ZREM', K_AGE, unpack(gone, first, last))
  end
  gone = {}
end

-- drop some nonces of a sender, from the indexes at the next flush
local function forget(s, which)
  for first = 1, #which, CHUNK do
    local names = {}
    for i = first, math.min(first + CHUNK - 1, #which) do names[#names + 1] = field(which[i]) end
    for i, record in ipairs(call('HMGET', s.key, unpack(names))) do
      local nonce = which[first + i - 1]
      local hash, _, _, _, _, _, _, uh, ul = unpack_bytes(HEAD, record)
      gone[#gone + 1] = hash
      s.count = s.count - 1
      s.sh, s.sl = minus(s.sh, s.sl, uh, ul)
      bytes_change = bytes_change - #record
      if nonce >= s.nonce and nonce < s.stop then
        pending_change = pending_change - (s.stop - nonce)
        s.stop = nonce
      end
    end
    call('HDEL', s.key, unpack(names))
  end
end

local function nonces(s)
  local found = {}
  for _, name in ipairs(call('HKEYS', s.key)) do found[#found + 1] = (unpack_bytes('>I8', name)) end
  table.sort(found)
  return found
end

-- put the sender where its next transaction belongs in the queues for blocks; true when it has one
local function rank(s)
  if s.from < s.nonce then s.from = s.nonce end
  if s.code < 2 and s.from < s.stop then
    local record = call('HGET', s.key, field(s.from))
    local price = call('ZSCORE', K_PRICE, string.sub(record, 1, 32))
    call('ZADD', K_READY, price, s.addr)
    if ranked then
      local arrival = unpack_bytes('>I8', record, ARRIVAL)
      call('ZADD', K_LINE, arrival, s.addr)
      call('ZADD', K_BOOST, string.format('%.17g', tonumber(price) - TIME_WEIGHT * arrival), s.addr)
    end
    return true
  end
  call('ZREM', K_READY, s.addr)
  if ranked then
    call('ZREM', K_LINE, s.addr)
    call('ZREM', K_BOOST, s.addr)
  end
  return false
end

-- the chain's word on a sender: drop what ran, what it can no longer pay (last nonces first), recount
local function settle(s, sequence, nonce, bh, bl, code)
  local moved = nonce ~= s.nonce
  if moved and s.count > 0 then
    pending_change = pending_change - (s.stop - s.nonce)
    local last = s.stop
    s.stop = s.nonce
    if nonce > s.nonce then
      local past = {}
      if nonce > last then
        for _, old in ipairs(nonces(s)) do
          if old < nonce then past[#past + 1] = old end
        end
      else
        for old = s.nonce, nonce - 1 do past[#past + 1] = old end
      end
      forget(s, past)
    end
    s.nonce, s.stop = nonce, nonce
    extend(s)
  elseif moved then
    s.nonce, s.stop = nonce, nonce
  end
  if moved then s.from = nonce end
  s.sequence, s.bh, s.bl = sequence, bh, bl
  -- 255: has code, which kind was not told; a signer's is a delegation unless known otherwise
  if code ~= 255 then s.code = code elseif s.code == 0 then s.code = 1 end
  if above(s.sh, s.sl, bh, bl) then
    local all = nonces(s)
    for i = #all, 1, -1 do
      if not above(s.sh, s.sl, bh, bl) then break end
      forget(s, {all[i]})
    end
  end
end

local function wake()
  if call('LLEN', K_WAKE) == 0 then call('RPUSH', K_WAKE, '1') end
end

-- write back every sender that was read, and the sums
local function commit(now)
  flush()
  for first = 1, #order, CHUNK / 2 do
    local pairs_of = {}
    for i = first, math.min(first + CHUNK / 2 - 1, #order) do
      local s = order[i]
      pairs_of[#pairs_of + 1] = s.addr
      pairs_of[#pairs_of + 1] =
        pack(STATE, s.sequence, s.nonce, s.stop, s.from, s.count, s.code, s.bh, s.bl, s.sh, s.sl)
    end
    call('HSET', K_STATES, unpack(pairs_of))
  end
  for _, s in ipairs(order) do
    if s.count > 0 and s.had <= 0 then
      call('SADD', K_SENDERS, s.addr)
      call('ZREM', K_IDLE, s.addr)
    elseif s.count == 0 and s.had ~= 0 then
      call('SREM', K_SENDERS, s.addr)
      call('ZADD', K_IDLE, now, s.addr)
    end
  end
  if bytes_change ~= 0 then call('HINCRBY', K_STATS, 'bytes', bytes_change) end
  if pending_change ~= 0 then call('HINCRBY', K_STATS, 'pending', pending_change) end
end
