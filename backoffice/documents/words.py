"""Words that are asked with, in English and German, and those that the documents have for them."""

import re

# words of questions, which say nothing of what is asked for
EMPTY = frozenset(
    re.findall(
        r"\w+",
        "a able am an and any are as at be been between by can cannot could do does doesn don each "
        "for from get give has have how i if in is isn it its like many me much my need now of on "
        "one or per please possible s should support supported t that the there this to two use "
        "using want was what when where which who why will with without won would yesterday you "
        "your "
        # German
        "aber als auf aus bei das dass dem den der des die ein eine einem einen einer es für geht "
        "gibt habe haben hat ich im ist kann kein keine können man mein meine meinem meinen meiner "
        "mit muss nach nicht oder sich sie sind um und uns von vom wann warum was welche wenn wer "
        "werden wie wir wird wo zu zum zur über",
    )
)
# words that are asked with, and those that the documents have for the same
SAME = {
    "admin": "administrator role",
    "airflow": "client",
    "auditlog": "audit",
    "balancer": "balance",
    "billing": "budget usage",
    "bill": "budget usage",
    "chart": "manifest",
    "clone": "copy duplicate",
    "cost": "budget usage",
    "cpu": "hardware",
    "disable": "switch",
    "email": "mail",
    "env": "environment setting",
    "erase": "delete",
    "failover": "fallback",
    "helm": "kubernetes",
    "k8s": "kubernetes",
    "login": "sign",
    "logon": "sign",
    "logout": "sign",
    "migrate": "move upgrade",
    "money": "budget usage",
    "offline": "internet",
    "paging": "pagination",
    "permission": "role right",
    "postgres": "postgresql",
    "price": "budget usage",
    "pricing": "budget usage",
    "quota": "limit",
    "ram": "hardware",
    "remove": "delete",
    "rollback": "downgrade",
    "rotate": "replace",
    "rotation": "replace",
    "server": "installation",
    "signin": "sign",
    "signup": "colleague",
    "slack": "notice webhook",
    "spend": "budget usage",
    "spending": "budget usage",
    "stt": "transcribe",
    "transcription": "transcribe",
    "tts": "speech",
    "user": "person people colleague",
    "variable": "setting",
    "webhook": "notice",
}
GERMAN = {
    "abgelaufen": "expired end",
    "ablauf": "end",
    "alarm": "alert",
    "aktualisieren": "upgrade",
    "aktualisierung": "upgrade",
    "anbieter": "provider",
    "anfrage": "request",
    "anlegen": "add",
    "anmelden": "sign",
    "anmeldung": "sign",
    "antwort": "answer",
    "ausfall": "outage fallback",
    "ausschalten": "switch",
    "befehl": "command",
    "beispiel": "example",
    "benachrichtigung": "notice",
    "benutzer": "user person",
    "bild": "image",
    "datenbank": "database",
    "datenschutz": "personal privacy",
    "dienst": "service",
    "einbinden": "embed",
    "einrichten": "set",
    "einstellung": "setting",
    "ersatz": "fallback",
    "ersetzen": "replace",
    "erstellen": "make",
    "exportieren": "export",
    "fehler": "error fault",
    "fehlermeldung": "message",
    "frage": "question",
    "gelöscht": "delete",
    "geändert": "change",
    "gespeichert": "store",
    "gruppe": "group role",
    "hinzufügen": "add",
    "importieren": "import",
    "installieren": "install",
    "kennwort": "password",
    "kollege": "colleague",
    "konto": "account",
    "kopieren": "copy",
    "kosten": "cost budget usage",
    "lizenz": "license",
    "löschen": "delete",
    "meldung": "message",
    "modell": "model",
    "netz": "network",
    "nutzer": "user person",
    "nutzung": "usage",
    "passwort": "password",
    "preis": "cost budget usage",
    "profil": "profile",
    "protokoll": "log audit",
    "recht": "right role",
    "rolle": "role",
    "schlüssel": "key",
    "schluessel": "key",
    "sicherheit": "security",
    "sicherung": "backup",
    "sprache": "language",
    "tauschen": "replace",
    "umgebung": "environment",
    "umziehen": "move",
    "umzug": "move",
    "verbinden": "connect",
    "verbindung": "connection",
    "verbrauch": "usage",
    "vergessen": "forgot",
    "verloren": "lost",
    "verschlüsselt": "encrypted",
    "verschlüsselung": "encrypted",
    "wechseln": "replace",
    "wiederherstellen": "restore",
    "zertifikat": "certificate",
    "zugang": "access",
    "zugriff": "access",
    "zwischenspeicher": "cache",
    "ändern": "change",
}
ENDINGS = ("", "s", "n", "en", "e", "er")


def same_as(word: str) -> list[str]:
    """What the documents call the same as this word, which is in lower case."""
    english = SAME.get(word, SAME.get(word.removesuffix("s"), ""))
    german = next(
        (GERMAN[word.removesuffix(end)] for end in ENDINGS if word.removesuffix(end) in GERMAN), ""
    )
    return [*english.split(), *german.split()]
