// Every text of the cockpit, in both languages; `{name}` is filled in.

export const WORDS = {
  zh: {
    title: "城市运行", switch: "EN", switch_title: "Switch to English",
    live: "实时", lost: "连接中断",
    connecting: "正在连接……",
    wait_server: "服务器没有应答，正在重试……", wait_database: "数据库暂不可用，正在重试……",
    lost_server: "连接中断，正在重连；以下为 {age}前的数据", lost_database: "数据库暂不可用，正在重试；以下为 {age}前的数据",
    lost_detail: "恢复后自动刷新，无需操作",
    well: "城市运行平稳", well_detail: "{n}/{sites} 个站点按时上报，账目平衡",
    empty: "平台就绪，等待第一条读数", empty_detail: "设备向 city/<区划>/<领域>/<设备>/reading 发布即可",
    unbalanced: "账本不平：近 24 小时有 {n} 处收存不符", unbalanced_detail: "运行 citybrain ledger --verify 查看是哪台设备、哪个小时",
    migrations: "数据库结构未升级", migrations_detail: "运行 citybrain db migrate",
    database: "数据库读取异常", no_collector: "没有采集器在运行", silent: "采集中断：{unit}采集器已 {age}没有心跳", unconnected: "采集中断：{unit}采集器未连上消息服务器",
    collector_detail: "设备数据在消息服务器排队，恢复采集后补入",
    air: "空气{category}：{place}，AQI {aqi}", air_primary: "首要污染物 {primary}",
    broken_one: "数据中断：{site}，自 {since}", broken: "{n} 个站点数据中断，最早自 {since}",
    sites: "站点", sites_hint: "最新值与近 24 小时", more: "共 {n} 个，列出前 {shown} 个", site: "站点",
    trend: "近 24 小时", age: "数据", ago: "{age}前", ahead: "刚刚", silent_since: "{since} 起无数据", never: "已登记，尚未上报", no_value: "无数据",
    unverified: "未登记", doubtful: "存疑", none: "无",
    devices: "{n} 台设备", online: "{online}/{n} 在线", worst_high: "最高", worst_low: "最低", no_vital: "尚无数据", absent: "尚未接入", range: "24 时 {low}–{high}", newest: "最新 {age}前",
    ledger_received: "收", ledger_stored: "存", ledger_duplicate: "重", ledger_quarantined: "隔离",
    balanced: "账目平衡", not_balanced: "账目不平", since: "自 {since}",
    quarantine: "隔离区", quarantine_hint: "无法理解的数据，原样保留，修正后可重放", reason: "原因", entries: "条数", latest: "最近", quarantine_empty: "空：收到的数据都已理解",
    collectors: "采集器", unit: "范围", whole_city: "全市", heard: "心跳", queued: "待入库", state: "状态", connected: "已连接", disconnected: "未连接", gone: "失联", collectors_empty: "没有采集器运行过",
    platform_well: "平台正常", platform_wrong: "平台异常", device_foot: "设备 {n} 台，{online} 台在线", silent_foot: "{n} 个站点无数据", rate: "接收 {n} 条/秒（近 1 分）", quarantine_foot: "隔离区 {n}", updated: "更新于 {time}",
    s: "{n} 秒", min: "{n} 分", h: "{n} 时", h_min: "{n} 时 {m} 分", d: "{n} 天", d_h: "{n} 天 {m} 时",
    yes: "是", no: "否", list: "、", sentence: " · ",
    reasons: {
      wrong_topic: "主题不符", unknown_region: "区划未知", unknown_domain: "领域未知", unknown_device: "设备未知", unknown_metric: "指标未知",
      too_many_unknown: "未知设备过多", empty_payload: "空报文", payload_too_large: "报文过大", invalid_utf8: "编码错误", invalid_json: "JSON 错误",
      invalid_message: "报文结构错误", invalid_status: "状态报文错误", invalid_time: "时间格式错误", time_too_old: "时间过早", clock_ahead: "设备时钟超前",
      not_finite: "非有限数值", wrong_type: "类型不符", unknown_state: "状态值未知", unit_mismatch: "单位不符", derived_metric: "派生指标不接收上报", conflict: "同一时刻数值冲突", store_refused: "数据库拒收",
    },
    qualities: { late: "迟到", ahead: "时钟超前", out_of_range: "超出合理范围", step: "突变", stuck: "长时间不变", no_time: "未带时间", revised: "已修订" },
  },
  en: {
    title: "City operations", switch: "中", switch_title: "切换到中文",
    live: "Live", lost: "Connection lost",
    connecting: "Connecting ...",
    wait_server: "The server does not answer; trying again ...", wait_database: "The database is away; trying again ...",
    lost_server: "Connection lost, reconnecting; data is {age} old", lost_database: "The database is away, trying again; data is {age} old",
    lost_detail: "Refreshes by itself; nothing to do",
    well: "The city runs normally", well_detail: "{n} of {sites} sites report on time, the ledger adds up",
    empty: "Ready, waiting for the first reading", empty_detail: "Devices publish to city/<region>/<domain>/<device>/reading",
    unbalanced: "The ledger does not add up: {n} device hours in the last 24 hours", unbalanced_detail: "Run citybrain ledger --verify to see which device and hour",
    migrations: "The database is not at this release", migrations_detail: "Run citybrain db migrate",
    database: "The database can't be read", no_collector: "No collector runs", silent: "Collecting has stopped: the collector of {unit} not heard for {age}", unconnected: "Collecting has stopped: the collector of {unit} is not connected",
    collector_detail: "Data waits in the broker and is stored when collecting resumes",
    air: "{category} air at {place}, AQI {aqi}", air_primary: "Primary pollutant {primary}",
    broken_one: "No data from {site} since {since}", broken: "No data from {n} sites, the first since {since}",
    sites: "Sites", sites_hint: "latest values and the last 24 hours", more: "{shown} of {n}", site: "Site",
    trend: "Last 24 h", age: "Data", ago: "{age} ago", ahead: "just now", silent_since: "no data since {since}", never: "Registered, has not reported yet", no_value: "no data",
    unverified: "unlisted", doubtful: "doubtful", none: "none",
    devices: "{n} devices", online: "{online}/{n} online", worst_high: "highest", worst_low: "lowest", no_vital: "No data yet", absent: "no devices yet", range: "24 h {low}–{high}", newest: "newest {age} ago",
    ledger_received: "received", ledger_stored: "stored", ledger_duplicate: "duplicate", ledger_quarantined: "quarantined",
    balanced: "Adds up", not_balanced: "Does not add up", since: "since {since}",
    quarantine: "Quarantine", quarantine_hint: "not understood; kept as it came, can be replayed", reason: "Reason", entries: "Entries", latest: "Latest", quarantine_empty: "Empty: everything received was understood",
    collectors: "Collectors", unit: "Collects", whole_city: "the whole city", heard: "Heard", queued: "Queued", state: "State", connected: "connected", disconnected: "not connected", gone: "gone", collectors_empty: "No collector has ever run",
    platform_well: "Platform well", platform_wrong: "Platform not well", device_foot: "{n} devices, {online} online", silent_foot: "{n} sites without data", rate: "{n} readings/s received (1 min)", quarantine_foot: "Quarantine {n}", updated: "Updated {time}",
    s: "{n} s", min: "{n} min", h: "{n} h", h_min: "{n} h {m} min", d: "{n} d", d_h: "{n} d {m} h",
    yes: "yes", no: "no", list: ", ", sentence: " · ",
    reasons: {
      wrong_topic: "Wrong topic", unknown_region: "Unknown region", unknown_domain: "Unknown domain", unknown_device: "Unknown device", unknown_metric: "Unknown metric",
      too_many_unknown: "Too many unknown devices", empty_payload: "Empty payload", payload_too_large: "Payload too large", invalid_utf8: "Invalid UTF-8", invalid_json: "Invalid JSON",
      invalid_message: "Invalid message", invalid_status: "Invalid status", invalid_time: "Invalid time", time_too_old: "Time too old", clock_ahead: "Clock ahead",
      not_finite: "Not a finite number", wrong_type: "Wrong type", unknown_state: "Unknown state", unit_mismatch: "Unit mismatch", derived_metric: "Derived metrics are not taken", conflict: "Conflicting values", store_refused: "Refused by the database",
    },
    qualities: { late: "late", ahead: "clock ahead", out_of_range: "out of range", step: "sudden step", stuck: "stuck", no_time: "without time", revised: "revised" },
  },
};

/** The words of a language: `say(key, {name: value})`, and `of({zh, en})` for texts that come with the data. */
export function speak(language) {
  const words = WORDS[language];
  const say = (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  return {
    language,
    say,
    of: (text) => text[language],
    reason: (name) => words.reasons[name] ?? name,
    quality: (name) => words.qualities[name] ?? name,
  };
}

/** The language that the page's address asks for; Chinese unless it says otherwise. */
export const languageOf = (search) => (new URLSearchParams(search).get("lang") === "en" ? "en" : "zh");
