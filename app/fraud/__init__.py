"""Orders that somebody has to look at before their commissions become money."""
