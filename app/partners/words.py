"""What kinds of partners, sectors, channels and payout methods are called. The codes are what the database holds."""

from app.ui.i18n import LazyText, lazy

KINDS: dict[str, tuple[LazyText, LazyText]] = {
    "person": (lazy("Individual"), lazy("We keep income tax back where the law asks for it.")),
    "self_employed": (lazy("Self-employed"), lazy("You pay the tax on professional income yourself.")),
    "sole_trader": (lazy("Sole proprietor"), lazy("We pay to your business account.")),
    "company": (lazy("Company"), lazy("We pay to the company's account.")),
}
"""Word and hint."""

SECTORS: dict[str, LazyText] = {
    "blog": lazy("Blog or media"),
    "education": lazy("Education"),
    "retail": lazy("Retail"),
    "services": lazy("Services"),
    "it": lazy("IT and software"),
    "beauty": lazy("Beauty and health"),
    "home": lazy("Home and repair"),
    "travel": lazy("Travel and leisure"),
    "finance": lazy("Finance"),
    "other": lazy("Something else"),
}

CHANNELS: dict[str, LazyText] = {
    "site": lazy("Site"),
    "telegram": lazy("Telegram"),
    "vk": lazy("VK"),
    "youtube": lazy("YouTube"),
    "email": lazy("Mailings"),
    "ads": lazy("Advertising"),
    "offline": lazy("In person"),
}

PAYOUT_METHODS: dict[str, LazyText] = {
    "bank_account": lazy("Bank account"),
    "card": lazy("Card"),
    "e_wallet": lazy("E-wallet"),
    "internal_account": lazy("Account in the shop"),
}
