-- The message header of Amoeba 5, 32 bytes, in requests, replies and group messages; commands and errors by name; and the data of
-- standard commands.
--
-- Who calls says in the table "private" of the packet: "amheader_big" ("1": most significant byte first), "amheader_kind" ("request",
-- "reply" or "group"), "amheader_bytes", how many bytes of data the message has, and for a reply "amheader_command", the command of its
-- request if that is known. Data is always in the marshalled form, least significant byte first, whatever the header says.

set_plugin_info({ version = "1.0.0", description = "Amoeba 5: message header", author = "amlab" })

local amheader = Proto("amheader", "Amoeba message")

local LENGTH = 32
local COMMANDS = {
  [1000] = "STD_MONITOR", [1001] = "STD_AGE", [1002] = "STD_COPY", [1003] = "STD_DESTROY", [1004] = "STD_INFO",
  [1005] = "STD_RESTRICT", [1006] = "STD_STATUS", [1007] = "STD_TOUCH", [1008] = "STD_GETPARAMS", [1009] = "STD_SETPARAMS",
  [1010] = "STD_NTOUCH",
  [2001] = "BS_CREATE", [2002] = "BS_DELETE", [2003] = "BS_FSCK", [2004] = "BS_INSERT", [2005] = "BS_MODIFY",
  [2006] = "BS_READ", [2007] = "BS_SIZE", [2008] = "BS_DISK_COMPACT", [2009] = "BS_SYNC",
  [2100] = "SP_CREATE", [2101] = "SP_DISCARD", [2102] = "SP_LIST", [2103] = "SP_APPEND", [2104] = "SP_CHMOD",
  [2105] = "SP_DELETE", [2106] = "SP_LOOKUP", [2107] = "SP_SETLOOKUP", [2108] = "SP_INSTALL", [2109] = "SP_PUTTYPE",
  [2110] = "SP_REPLACE", [2111] = "SP_GETMASKS", [2112] = "SP_GETSEQNR",
  [2201] = "DISK_INFO", [2202] = "DISK_READ", [2203] = "DISK_SIZE", [2204] = "DISK_WRITE", [2205] = "DISK_GETGEOMETRY",
  [2206] = "DISK_CONTROL",
  [2300] = "PS_STUN", [2301] = "PS_GETOWNER", [2302] = "PS_SETOWNER", [2303] = "PS_EXEC", [2304] = "PS_GETDEF",
  [2305] = "PS_GETLOAD", [2306] = "PS_SEG_CREATE", [2307] = "PS_SEG_WRITE", [2308] = "PS_CHECKPOINT",
  [2309] = "PS_SETCOMMENT", [2310] = "PS_GETCOMMENT", [2311] = "PS_SWAPPROC", [2312] = "PS_SGETLOAD",
  [2400] = "TOD_GETTIME", [2401] = "TOD_SETTIME",
  [2500] = "SYS_PRINTBUF", [2501] = "SYS_KSTAT", [2503] = "SYS_NETCONTROL", [2504] = "SYS_BOOT", [2505] = "SYS_CHGCAP",
  [2600] = "RND_GETRANDOM",
  [3200] = "TIOS_GETATTR", [3201] = "TIOS_SETATTR", [3202] = "TIOS_SENDBREAK", [3203] = "TIOS_DRAIN", [3204] = "TIOS_FLUSH",
  [3205] = "TIOS_FLOW", [3206] = "TIOS_GETWSIZE", [3207] = "TIOS_SETWSIZE",
  [4001] = "TTI_INTERRUPT", [4002] = "TTI_HANGUP", [4003] = "TTI_INTRUP", [4004] = "TTI_WINSIZE", [4005] = "TTI_SIGNAL",
  [4051] = "FSQ_CREATE", [4052] = "FSQ_READ", [4053] = "FSQ_WRITE", [4054] = "FSQ_LINK", [4055] = "FSQ_CLOSE",
  [4056] = "FSQ_STATUS", [4057] = "FSQ_CONTROL", [4058] = "FSQ_COPY", [4059] = "FSQ_INTCAP", [4060] = "FSQ_TIME_READ",
}
local STATUSES = {
  [0] = "STD_OK",
  [-1] = "RPC_FAILURE", [-2] = "RPC_NOTFOUND", [-3] = "RPC_BADADDRESS", [-4] = "RPC_ABORTED", [-5] = "RPC_TRYAGAIN",
  [-6] = "RPC_COMBAD", [-7] = "RPC_REMOTERPC", [-8] = "RPC_BADPORT", [-9] = "RPC_UNSAFE",
  [-20] = "BC_FAIL", [-21] = "BC_ABORT", [-22] = "BC_TOOBIG", [-23] = "BC_BADPORT", [-24] = "BC_NOEXIST", [-25] = "BC_TOOMANY",
  [-28] = "BC_ILLRESET",
  [-1000] = "STD_CAPBAD", [-1001] = "STD_COMBAD", [-1002] = "STD_ARGBAD", [-1003] = "STD_NOTNOW", [-1004] = "STD_NOSPACE",
  [-1005] = "STD_DENIED", [-1006] = "STD_NOMEM", [-1007] = "STD_EXISTS", [-1008] = "STD_NOTFOUND", [-1009] = "STD_SYSERR",
  [-1010] = "STD_INTR", [-1011] = "STD_OVERFLOW", [-1012] = "STD_WRITEPROT", [-1013] = "STD_NOMEDIUM",
  [-1900] = "AMEX_NOPROG", [-1901] = "AMEX_PDLOOKUP", [-1902] = "AMEX_PDREAD", [-1903] = "AMEX_PDSHORT",
  [-1904] = "AMEX_PDSIZE", [-1905] = "AMEX_NOCAPS", [-1906] = "AMEX_NOHOST", [-1907] = "AMEX_GETDEF", [-1908] = "AMEX_MALLOC",
  [-1909] = "AMEX_STACKOV", [-1910] = "AMEX_SEGCREATE", [-1911] = "AMEX_SEGWRITE",
  [-2101] = "SP_UNAVAIL", [-2102] = "SP_NOTEMPTY", [-2103] = "SP_UNREACH", [-2104] = "SP_CLASH",
}
-- The first of the hundred commands of each kind of server.
local SERVERS = {
  [1000] = "standard", [2000] = "bullet", [2100] = "soap", [2200] = "virtual disk", [2300] = "process", [2400] = "time of day",
  [2500] = "sys", [2600] = "random", [2700] = "old directory", [2800] = "session", [2900] = "etherhook", [3000] = "run",
  [3100] = "virtual circuit", [3200] = "termios", [3300] = "tape", [3400] = "X", [3500] = "IOP", [3600] = "boot",
  [3700] = "mail", [3800] = "TCP/IP", [3900] = "swiss army knife", [4000] = "tty", [4100] = "profile", [4200] = "fifo",
}
local STD_COPY, STD_INFO, STD_RESTRICT, STD_STATUS, STD_GETPARAMS, STD_SETPARAMS, STD_NTOUCH = 1002, 1004, 1005, 1006, 1008, 1009, 1010

local F = {
  port = ProtoField.bytes("amrpc.header.port", "Port", base.COLON),
  signature = ProtoField.bytes("amrpc.header.signature", "Signature", base.COLON),
  private = ProtoField.bytes("amrpc.header.private", "Private part", base.COLON),
  object = ProtoField.uint24("amrpc.object", "Object", base.DEC),
  rights = ProtoField.uint8("amrpc.rights", "Rights", base.HEX),
  check = ProtoField.bytes("amrpc.check", "Check field", base.COLON),
  command = ProtoField.uint16("amrpc.command", "Command", base.DEC, COMMANDS),
  status = ProtoField.int16("amrpc.status", "Status", base.DEC, STATUSES),
  server = ProtoField.string("amrpc.server", "Commands of"),
  offset = ProtoField.int32("amrpc.offset", "Offset", base.DEC),
  size = ProtoField.uint16("amrpc.size", "Size", base.DEC),
  extra = ProtoField.uint16("amrpc.extra", "Extra", base.DEC),
  data = ProtoField.bytes("amrpc.data", "Data"),
  text = ProtoField.string("amrpc.text", "Text"),
  capability = ProtoField.bytes("amrpc.capability", "Capability", base.COLON),
  mask = ProtoField.uint8("amrpc.mask", "Mask of rights", base.HEX),
  parameter = ProtoField.string("amrpc.parameter", "Parameter"),
}
amheader.fields = F

local E = {
  truncated = ProtoExpert.new("amrpc.header.truncated", "Message ends too soon", expert.group.MALFORMED, expert.severity.ERROR),
  status = ProtoExpert.new("amrpc.error", "Error", expert.group.RESPONSE_CODE, expert.severity.NOTE),
  data = ProtoExpert.new("amrpc.data.malformed", "Data is not what the command has", expert.group.MALFORMED, expert.severity.WARN),
}
amheader.experts = E

local function put(tree, field, range, is_big)
  if is_big then return tree:add(field, range) end
  return tree:add_le(field, range)
end

local function server_of(code)
  return SERVERS[code - code % 100]
end

local function name_of(command)
  return COMMANDS[command] or string.format("command %d", command)
end

-- Object, rights and check field: the last ten bytes of a capability.
local function add_private(tree, range)
  local private = tree:add(F.private, range)
  private:add_le(F.object, range(0, 3))
  private:add(F.rights, range(3, 1))
  private:add(F.check, range(4, 6))
end

local function add_capability(tree, range)
  local capability = tree:add(F.capability, range)
  capability:add(F.port, range(0, 6))
  add_private(capability, range(6, 10))
end

-- Strings with a zero behind each; says whether that is what the bytes are.
local function add_strings(tree, tvb)
  local from = 0
  for at = 0, tvb:len() - 1 do
    if tvb(at, 1):uint() == 0 then
      tree:add(F.parameter, tvb(from, at - from + 1), tvb(from, at - from):string())
      from = at + 1
    end
  end
  return from == tvb:len()
end

-- The data of a standard command; nil if it has no form of its own, false if it does not have its form.
local function standard(tree, tvb, kind, command)
  if kind == "request" then
    if command == STD_COPY then
      if tvb:len() ~= 16 then return false end
      add_capability(tree, tvb(0, 16))
      return true
    elseif command == STD_NTOUCH then
      for at = 0, tvb:len() - 10, 10 do add_private(tree, tvb(at, 10)) end
      return tvb:len() % 10 == 0
    elseif command == STD_SETPARAMS then
      return add_strings(tree, tvb)
    end
  elseif command == STD_INFO or command == STD_STATUS then
    tree:add(F.text, tvb(), tvb():string())
    return true
  elseif command == STD_GETPARAMS then
    return add_strings(tree, tvb)
  end
  return nil
end

local function add_header(tvb, tree, kind, is_big)
  tree:add(F.port, tvb(0, 6))
  tree:add(F.signature, tvb(6, 6))
  add_private(tree, tvb(12, 10))
  local code
  if kind == "reply" then
    code = is_big and tvb(22, 2):int() or tvb(22, 2):le_int()
    local status = put(tree, F.status, tvb(22, 2), is_big)
    if code < 0 then status:add_proto_expert_info(E.status, STATUSES[code] or string.format("Error %d", code)) end
  else
    code = is_big and tvb(22, 2):uint() or tvb(22, 2):le_uint()
    put(tree, F.command, tvb(22, 2), is_big)
  end
  local server = server_of(math.abs(code))
  if server then tree:add(F.server, tvb(22, 2), server):set_generated() end
  put(tree, F.offset, tvb(24, 4), is_big)
  put(tree, F.size, tvb(28, 2), is_big)
  put(tree, F.extra, tvb(30, 2), is_big)
  return code
end

function amheader.dissector(tvb, pinfo, root)
  local private = pinfo.private
  local kind, is_big = private["amheader_kind"], private["amheader_big"] == "1"
  local tree = root:add(amheader, tvb())
  if tvb:len() < LENGTH then
    tree:add_proto_expert_info(E.truncated, "A message header has 32 bytes")
    return tvb:len()
  end
  local code = add_header(tvb, tree, kind, is_big)
  local command = code
  if kind == "reply" then
    command = tonumber(private["amheader_command"])
    if command then tree:add(F.command, command):set_generated() end
  end
  local words = command and name_of(command) or ""
  if kind == "reply" then words = words .. " " .. (STATUSES[code] or string.format("status %d", code)) end
  pinfo.cols.info:append(string.format(" %s %s bytes", words, private["amheader_bytes"] or "?"):gsub("  +", " "))
  if command == STD_RESTRICT and kind == "request" then
    local mask = tvb(is_big and 27 or 24, 1)
    tree:add(F.mask, mask)
  end
  if tvb:len() == LENGTH then return LENGTH end
  local data = tvb(LENGTH):tvb()
  local form = standard(tree, data, kind, command)
  if form == false then tree:add_proto_expert_info(E.data) end
  if not form then tree:add(F.data, data()) end
  return tvb:len()
end
