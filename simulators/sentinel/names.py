"""What streets, schools and the things on them are called."""

from __future__ import annotations

from citybrain.catalogue.model import Text

# In Inner Mongolia's towns a street that runs from west to east is a 街, one from south to north a 路.
EAST = (
    ("jiefang", "解放", "Jiefang"),
    ("xinhua", "新华", "Xinhua"),
    ("tuanjie", "团结", "Tuanjie"),
    ("qingfeng", "庆丰", "Qingfeng"),
    ("guangming", "光明", "Guangming"),
    ("jinchuan", "金川", "Jinchuan"),
    ("renmin", "人民", "Renmin"),
    ("hepan", "河畔", "Hepan"),
    ("wenbo", "文博", "Wenbo"),
    ("xingfu", "幸福", "Xingfu"),
    ("hongqi", "红旗", "Hongqi"),
    ("yuejin", "跃进", "Yuejin"),
)
NORTH = (
    ("jianshe", "建设", "Jianshe"),
    ("shengli", "胜利", "Shengli"),
    ("qianjin", "前进", "Qianjin"),
    ("minzhu", "民主", "Minzhu"),
    ("heping", "和平", "Heping"),
    ("xiangyang", "向阳", "Xiangyang"),
    ("changan", "长安", "Chang'an"),
    ("fumin", "富民", "Fumin"),
    ("yucai", "育才", "Yucai"),
    ("shuguang", "曙光", "Shuguang"),
    ("youyi", "友谊", "Youyi"),
    ("chaoyang", "朝阳", "Chaoyang"),
)

THINGS = {
    "gas": Text("燃气井", "gas well"),
    "telecom": Text("通信井", "telecom well"),
    "sewer": Text("污水井", "sewer manhole"),
    "drain": Text("雨水井", "drain manhole"),
    "heat": Text("热力井", "heat-pipe well"),
    "water": Text("供水井", "water well"),
    "ponding": Text("积水点", "ponding point"),
    "gateway": Text("采集网关", "gateway"),
    "rain": Text("雨量站", "rain gauge"),
    "gallery": Text("综合管廊燃气舱", "gallery, gas cabin"),
}


def street(number: int) -> tuple[str, Text]:
    """A short name and the title of a street; even ones run east, odd ones north. Each is another."""
    names, zh, en = (EAST, "街", "Street") if number % 2 == 0 else (NORTH, "路", "Road")
    series, place = divmod(number // 2, len(names))
    short, chinese, english = names[place]
    if not series:
        return short, Text(chinese + zh, f"{english} {en}")
    return f"{short}-{series + 1}", Text(f"{chinese}{series + 1}{zh}", f"{english} {en} {series + 1}")


def school(number: int) -> Text:
    """The title of a school."""
    return Text(f"第{number}中学", f"No. {number} Middle School")


def thing(where: Text, what: str, number: int, near: Text | None = None) -> Text:
    """The title of something at a street or in a district."""
    named = THINGS[what]
    zh = f"（{near.zh}旁）" if near else ""
    en = f" (next to {near.en})" if near else ""
    return Text(f"{where.zh}{number}号{named.zh}{zh}", f"{where.en}, {named.en} {number}{en}")
