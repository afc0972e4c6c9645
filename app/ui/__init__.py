"""What every page shares: rendering, forms, paging, languages, money and dates as text, charts."""
