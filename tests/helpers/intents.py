"""A file of intents, as somebody might write it: 60 classes of 20 sentences in three languages."""
# ruff: noqa: RUF001 - Chinese punctuation is what is tested

import csv
import itertools

# An intent is something to do with something; each sentence has words of both.
ACTIONS = {
    "lost": (["I lost", "I can't find"], "verloren", "丢了"),
    "order": (["I want to order", "please send me"], "bestellen", "订购"),
    "cancel": (["please cancel", "I don't want"], "kündigen", "取消"),
    "change": (["can I change", "how do I update"], "ändern", "更改"),
    "price": (["what is the price of", "how much costs"], "kosten", "多少钱"),
    "wait": (["how long until I get", "I still wait for"], "warten auf", "等多久"),
}
THINGS = {
    "card": ("card", "Karte", "银行卡"), "phone": ("phone", "Handy", "手机"),
    "invoice": ("invoice", "Rechnung", "发票"), "password": ("password", "Passwort", "密码"),
    "ticket": ("ticket", "Fahrkarte", "车票"), "room": ("hotel room", "Zimmer", "房间"),
    "flight": ("flight", "Flug", "航班"), "table": ("table", "Tisch", "餐桌"),
    "coat": ("winter coat", "Mantel", "大衣"), "address": ("address", "Anschrift", "地址"),
}  # fmt: skip
_ENDS = ["", " please", " today", " again", "!", " for my mother", " as soon as possible", "?"]
NUM_TEXTS = 20


def intents():
    """`[(text, label)]`."""
    rows = []
    for (action, words), (thing, names) in itertools.product(ACTIONS.items(), THINGS.items()):
        (english, german, chinese), (object_, ding, dongxi) = words, names
        texts = [f"{start} my {object_}{end}" for start in english for end in _ENDS]
        texts += [f"Meine {ding} {german}, bitte", f"Größe: {ding} {german}?"]
        texts += [f"我的{dongxi}{chinese}", f"请问{dongxi}{chinese}，怎么办？"]
        rows += [(text, f"{action} {thing}") for text in texts[-NUM_TEXTS:]]
    return rows


def write_intents(path, rows=None):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows([("text", "label"), *(rows or intents())])
    return path
