"""Vocabulary of synthetic profiles and posts, in many scripts.

It includes what breaks parsers: right-to-left text, characters outside the basic multilingual
plane, joined emoji, newlines, quotation marks, backslashes and HTML escapes.
"""

HANDLES = (
    "maria", "john", "fatima", "wei", "olga", "kofi", "luca", "sara", "mehmet", "aiko", "pedro", "nina",
    "omar", "lena", "raj", "chloe", "ivan", "amina", "tom", "yuki", "The_Real", "News", "xX", "bot",
)  # fmt: skip
NAMES = (
    "Maria Rossi", "John", "فاطمة الزهراء", "李伟", "Ольга Петрова", "Kofi A. Mensah", "Luca 🍕", "sara",
    "Mehmet Yılmaz", "あいこ🌸", "Pedro Álvares", "Nina ✨", "عمر", "Lena Müller-Lüdenscheidt", "राज कुमार",
    "Chloé 👩🏽‍🚀", "Иван", "אמינה כהן", "tom \\o/", "ゆき", "The Real One™", "Pisa News 24/7",
    "xX_\"Dark\"_Xx", "🤖",
)  # fmt: skip
LOCATIONS = (
    "Pisa, Italy", "Pisa", "London", "New York, NY", "São Paulo", "東京", "القاهرة", "Москва",
    "Lagos, Nigeria", "Earth 🌍", "she/her", "somewhere over the rainbow", "תל אביב",
    "Berlin | Paris", "43.7167, 10.4000",
)  # fmt: skip

# A word with @ or # becomes an entity of the profile.
BIOS = (
    "PhD student. Networks, coffee, trains.",
    "Father of two.\nViews are my own.\n\nRetweets ≠ endorsements",
    "صحفي ومصور. أحب القهوة والبحر ☕️🌊",
    "📍 Pisa | 🎓 @unipisa | #NetworkScience",
    "エンジニア。猫が好き🐈 #Python",
    "Журналист. Люблю собак 🐕‍🦺 и хоккей",
    '"To be or not to be" \\ that is the question &amp; the answer is 42',
    "מפתחת, אמא, רצה למרחקים ארוכים 🏃🏽‍♀️",
    "Engineer @ExampleCorp. She/her. I write about distributed systems, small graphs and large mistakes. "
    "Opinions expire after 24 hours. #crawling #SNA",
    "💙",
    "Breaking news from around the world, 24 hours a day. Tips: DM",
    "love &lt;3 music 🎸🎶",
)

SENTENCES = (
    ("en", "Good morning everyone ☕"),
    ("en", "I can't believe it's already Friday &amp; nothing works"),
    ("en", "New paper out: how fast does a rumour travel through a small world? Thread below 👇"),
    ("en", "Reminder: the deadline is tomorrow.\n\nTomorrow!"),
    ("en", 'She said "never" and then she did it \\o/'),
    ("en", "Traffic on the bridge is terrible today, take the train instead"),
    ("it", "Oggi a Pisa c'è un sole splendido, e la torre è ancora in piedi"),
    ("it", "Perché il treno è sempre in ritardo quando ho fretta?"),
    ("es", "¡Vamos! Qué partido más increíble 🔥🔥🔥"),
    ("pt", "Bom dia! Alguém indica um bom livro sobre redes sociais?"),
    ("fr", "Ça y est, c'est fini. À demain 👋"),
    ("de", "Straßenbahn fällt aus, ich laufe. Schöne Grüße aus Köln"),
    ("ar", "صباح الخير يا أصدقاء، الجو جميل اليوم ☀️"),
    ("ar", "لا أحد يعرف متى تنتهي هذه القصة"),
    ("he", "בוקר טוב! מישהו ער?"),
    ("ja", "今日はとても寒い。猫が布団から出てこない🐈"),
    ("ko", "오늘도 화이팅!! 💪🏻"),
    ("ru", "Снег в апреле. Опять."),
    ("hi", "आज का दिन बहुत अच्छा था 🙏"),
    ("tr", "Günaydın İstanbul 🌉"),
    ("qme", "😂😂😂"),
    ("zxx", "👨‍👩‍👧‍👦"),
)
LONG_TAIL = (
    "What follows is longer than a post used to be allowed to be, because some things take more room: first "
    "we measured, then we measured again, and then we found that the second measurement had changed the "
    "first. Nobody had expected that. 이것은 긴 글입니다. هذا نص طويل. So we wrote it all down, "
    "line by line,\nand here it is. 🧵"
)
HASHTAGS = (
    "NetworkScience",
    "Python",
    "Pisa",
    "اخبار",
    "猫",
    "BreakingNews",
    "100DaysOfCode",
    "СПб",
    "Ünlü",
    "AI",
)
HOSTS = ("example.com/news", "example.org/papers", "blog.example.net", "example.it/articoli")
