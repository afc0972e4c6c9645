"""Who gets how much: pure rules, specified by `rules.md` (the money). Standard library only; no clock, no database.

`facts` (what the shop told) are folded over `state` into `effects`:

    judge(state, fact) -> Effects                    fold.py; changes nothing
    apply(state, effects) -> None                    fold.py; lays the effects on the state in memory
    recalculate_levels(state, moment) -> Effects     levels.py; at local midnights and period borders, all partners
    release(state, order_id, now) -> Effects         postings.py; pending becomes available, debt repaid first
    parse_terms(document) -> Terms                   terms_document.py
"""
