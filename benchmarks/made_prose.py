"""Prose without meaning: sentences drawn from a small grammar, and some of other languages."""

# ruff: noqa: RUF001  letters and stops of other scripts are what is wanted here

import random

_WHO = [
    "the committee",
    "a retired surveyor",
    "every second farmer",
    "the museum",
    "her younger colleague",
    "the port authority",
    "a group of engineers",
    "the last archivist",
    "the valley's only doctor",
    "an anonymous donor",
    "the orchestra",
    "the ministry",
    "two rival printers",
    "the night shift",
    "a travelling teacher",
    "the council",
    "most of the neighbours",
    "a chemist",
]
_DID = [
    "measured",
    "rebuilt",
    "sold",
    "described",
    "ignored",
    "catalogued",
    "opposed",
    "financed",
    "repaired",
    "inherited",
    "photographed",
    "translated",
    "postponed",
    "abandoned",
    "inspected",
    "defended",
    "copied",
    "mapped",
    "flooded",
    "restored",
]
_WHAT = [
    "the old mill",
    "a set of brass instruments",
    "three kilometres of track",
    "the annual report",
    "an unfinished bridge",
    "the harvest records",
    "a glass roof",
    "the southern reservoir",
    "forty letters",
    "a wooden observatory",
    "the tramway",
    "an atlas of local birds",
    "the salt works",
    "a stone staircase",
    "the town's clocks",
    "several hundred maps",
    "the greenhouse",
]
_WHEN = [
    "in the spring",
    "after the second winter",
    "against all advice",
    "during a long strike",
    "without much notice",
    "for a modest fee",
    "long before the railway came",
    "within eleven days",
    "on the advice of a lawyer",
    "to everyone's surprise",
    "while prices were still rising",
    "over the course of a decade",
]
_WHY = [
    "because the foundations had begun to sink",
    "since nobody else would",
    "which later proved to be wise",
    "although the figures were disputed",
    "so that ships could pass",
    "as the minutes show",
    "even though the law said otherwise",
    "until the money ran out",
    "for reasons that were never written down",
    "and the newspapers took little interest",
]
_NOUNS = [
    "Harbour",
    "Bridge",
    "Archive",
    "Garden",
    "Report",
    "Season",
    "Market",
    "Valley",
    "River",
    "Workshop",
    "Library",
    "Station",
    "Tower",
    "Field",
]
_KINDS = [
    "Forgotten",
    "Northern",
    "Early",
    "Quiet",
    "Second",
    "Open",
    "Winter",
    "Common",
    "Western",
    "Broken",
    "Long",
    "Hidden",
    "Public",
    "Local",
]

FOREIGN = (
    (
        "Der Hafen wurde nach dem großen Sturm vollständig neu gebaut.",
        "Im Sommer kamen die Händler aus den umliegenden Dörfern auf den Markt.",
        "Niemand wusste genau, wer die Brücke bezahlt hatte.",
        "Die Aufzeichnungen der Gemeinde reichen bis in das siebzehnte Jahrhundert zurück.",
        "Später stellte sich heraus, dass die Karte einen Fehler enthielt.",
        "Das Museum zeigt heute vor allem Werkzeuge und alte Fotografien.",
        "Wegen der steigenden Preise wurde der Umbau um zwei Jahre verschoben.",
        "Die Straßenbahn fährt seither nur noch an Sonn- und Feiertagen.",
    ),
    (
        "Le vieux moulin fut racheté par une famille de l'est du pays.",
        "Personne n'avait prévu que l'hiver serait aussi long.",
        "Les habitants gardent encore le souvenir de cette année-là.",
        "La bibliothèque possède plusieurs centaines de lettres inédites.",
        "On construisit d'abord un pont de bois, puis un autre en pierre.",
        "Le conseil municipal refusa de financer la restauration du toit.",
        "Les géomètres mesurèrent la vallée pendant tout l'automne.",
        "Cette décision fut très critiquée dans les journaux de l'époque.",
    ),
    (
        "El ayuntamiento decidió cerrar la estación antes del verano.",
        "Los agricultores llevaban sus productos al mercado cada jueves.",
        "Nadie recuerda ya quién dibujó el primer mapa de la región.",
        "La torre se terminó muchos años después de lo previsto.",
        "El archivo conserva fotografías de todas las inundaciones.",
        "Según los vecinos, el camino antiguo era más corto.",
        "Durante la huelga se detuvieron todas las obras del puerto.",
        "El informe anual no menciona el precio de la madera.",
    ),
    (
        "Старый мост был построен ещё до появления железной дороги.",
        "Весной жители города собирались на большой площади у реки.",
        "Никто не мог объяснить, почему работы остановились.",
        "В архиве хранится несколько сотен писем и карт.",
        "Позднее выяснилось, что в отчёте была ошибка.",
        "Музей открыт каждый день, кроме понедельника.",
        "Учитель перевёл книгу на три языка.",
        "Совет отказался платить за ремонт крыши.",
    ),
    (
        "港口在大风暴之后被完全重建。",
        "每年夏天，附近村庄的商人都会来到市场。",
        "没有人确切知道谁为这座桥付了钱。",
        "博物馆现在主要展出工具和老照片。",
        "由于价格上涨，改建工程推迟了两年。",
        "图书馆收藏了几百封从未发表的信件。",
        "后来人们发现地图上有一个错误。",
        "从那以后，电车只在星期日运行。",
    ),
    (
        "港は大きな嵐の後に完全に建て直されました。",
        "夏になると近くの村から商人が市場に集まりました。",
        "誰がその橋の費用を払ったのか、正確には分かっていません。",
        "博物館では現在、主に道具と古い写真を展示しています。",
        "図書館には数百通の未発表の手紙が保管されています。",
        "後になって、地図に誤りがあることが分かりました。",
        "物価が上がったため、工事は二年延期されました。",
        "それ以来、路面電車は日曜日だけ走っています。",
    ),
    (
        "أعيد بناء الميناء بالكامل بعد العاصفة الكبيرة.",
        "كان التجار يأتون من القرى المجاورة إلى السوق كل صيف.",
        "لم يكن أحد يعرف من دفع ثمن الجسر القديم.",
        "يعرض المتحف اليوم الأدوات والصور القديمة.",
        "تأجل البناء عامين بسبب ارتفاع الأسعار.",
        "تحتفظ المكتبة بمئات الرسائل التي لم تنشر.",
        "تبين لاحقا أن الخريطة تحتوي على خطأ.",
        "رفض المجلس تمويل ترميم السقف.",
    ),
)


def sentence(chance: random.Random) -> str:
    """Draw a sentence of 10 to 30 words."""
    who, did, what = chance.choice(_WHO), chance.choice(_DID), chance.choice(_WHAT)
    core = f"{who} {did} {what} {chance.choice(_WHEN)}"
    text = chance.choice(
        [
            f"{core}, {chance.choice(_WHY)}.",
            f"{chance.choice(_WHEN)}, {core}.",
            f"{core}, and {chance.choice(_WHO)} {chance.choice(_DID)} {chance.choice(_WHAT)}, {chance.choice(_WHY)}.",
            f"in {chance.randint(1690, 2019)} {core}.",
        ]
    )
    return text[0].upper() + text[1:]


def paragraph(chance: random.Random) -> str:
    """Draw three to six sentences."""
    return " ".join(sentence(chance) for _ in range(chance.randint(3, 6)))


def title(chance: random.Random) -> str:
    """Draw a title of two to four words."""
    return f"{chance.choice(('The', 'A', 'Our'))} {chance.choice(_KINDS)} {chance.choice(_NOUNS)}"
