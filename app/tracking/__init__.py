"""Links, promo codes and clicks."""
